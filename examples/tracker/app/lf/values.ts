// What a status, a priority and a label can be.

/** The one document. */
export const trackerId = "tracker"

export const statuses = ["backlog", "todo", "doing", "done"] as const
export type Status = (typeof statuses)[number]

export const statusNames: Readonly<Record<Status, string>> = {
  backlog: "Backlog",
  todo: "To do",
  doing: "In progress",
  done: "Done",
}

export const priorities = ["urgent", "high", "normal", "low"] as const
export type Priority = (typeof priorities)[number]

export const labels = ["bug", "feature", "docs", "performance", "design", "security"] as const
export type Label = (typeof labels)[number]

/** Until its author writes a better one over it. */
export const newTitle = "New issue"
