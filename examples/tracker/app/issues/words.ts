// What went wrong, for the tracker's users: never a message of the database or of the library, which are for developers.
import { isLfError, type LfError } from "@lf/core"

const ofErrors: Partial<Record<LfError["code"], string>> = {
  LOG_FULL: "This device is full. Your last change was not kept. Free some space and do it again.",
  LOG_FAILED: "This device refused to keep your last change. Do it again, or reload the page.",
  PENDING_LIMIT: "Too many changes wait for the server. Go online first, then go on.",
  PENDING_REFUSED: "Some of your changes have not reached the server yet. Go online, then sign out.",
  AUTH_REQUIRED: "The server does not know you any more. Sign in again.",
  FORBIDDEN: "The server does not know you any more. Sign in again; until then your changes stay on this device.",
  DOC_TOO_LARGE: "The tracker is full. The server takes no more issues or comments.",
  WORKER_FAILED: "The tracker could not be started. It is tried again; if that takes long, reload the page.",
  SQL_LIMIT: "This search takes too long. Make it narrower.",
  MUTATION_ARGS_INVALID: "This is too long, or empty. It was not kept.",
}

/** Codes of `Reject`, in the mutators and in undo, and those of the library that a user can do something about. */
const ofRefusals: Readonly<Record<string, string>> = {
  "signed-out": "You are signed out.",
  "not-joined": "The tracker does not know you yet: sign out, and in again.",
  "issue-gone": "The issue is gone: it was left empty, or its making was undone or refused.",
  "issue-used": "Something has been written to it.",
  "undo-conflict": "It has been changed since.",
  "undo-gone": "It is too long ago, or too large, to be undone.",
  "undo-nothing": "There is nothing left to undo, or to do again.",
  "undo-foreign": "Only the user who made a change can undo it.",
  MUTATION_FORBIDDEN: "You may not do that.",
}

export function sayError(error: Error): string {
  if (!isLfError(error)) return "The server did not answer. Try it again in a moment."
  if (error.code === "MUTATION_REJECTED") return sayRefusal(codeIn(error.cause))
  return ofErrors[error.code] ?? `Something went wrong that should not (${error.code}). Reload the page and try again.`
}

export function sayRefusal(code: string): string {
  return ofRefusals[code] ?? `The tracker could not do it (${code}).`
}

export function codeIn(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown"
}
