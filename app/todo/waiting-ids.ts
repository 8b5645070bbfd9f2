import type { PendingMutation } from "@lf/react"
import { type Todo, ToggleAll } from "../lf/mutators"

/** The rows that wait for the server: those that mutations name, and those that "Mark all as complete" ticked or cleared. */
export function waitingIds(pending: readonly PendingMutation[], todos: readonly Todo[]): ReadonlySet<string> {
  return new Set(pending.flatMap((mutation) => [...idIn(mutation.args), ...idsOfAll(mutation, todos)]))
}

function idIn(args: unknown): string[] {
  const id = typeof args === "object" && args !== null && "id" in args ? args.id : null
  return typeof id === "string" ? [id] : []
}

/** It names no row: at the server all of them become what it says. One that differs was changed again since, and is named. */
function idsOfAll({ name, args }: PendingMutation, todos: readonly Todo[]): string[] {
  if (name !== ToggleAll.name || typeof args !== "object" || args === null || !("done" in args)) return []
  const done = args.done ? 1 : 0
  return todos.flatMap((todo) => (todo.done === done ? [todo.id] : []))
}
