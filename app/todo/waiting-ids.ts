import type { PendingMutation } from "@lf/react"

/** The rows that wait for the server, by what their mutations name. */
export function waitingIds(pending: readonly PendingMutation[]): ReadonlySet<string> {
  return new Set(pending.flatMap(({ args }) => idIn(args)))
}

function idIn(args: unknown): string[] {
  const id = typeof args === "object" && args !== null && "id" in args ? args.id : null
  return typeof id === "string" ? [id] : []
}
