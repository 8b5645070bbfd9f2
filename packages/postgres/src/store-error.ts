import { type ErrorCode, isLfError, LfError } from "@lf/core"

/** What PostgreSQL says by SQLSTATE, where the message alone leaves the reason or the remedy open. */
const REMEDIES: Readonly<Record<string, string>> = {
  "08P01": "what stands before it did not understand the connection: let a pooler pass it on, in session mode",
  "25006": "it is read-only: a standby (connect to the primary), or default_transaction_read_only is on",
  "26000": "a pooler in transaction mode stands before it; connect past it, or in session mode",
  "3F000": "the schema lf is missing; run: npx lf migrate-store",
  "42P05": "a pooler in transaction mode stands before it; connect past it, or in session mode",
  "42P01": "a table of the schema lf is missing; run: npx lf migrate-store",
  "42501": "the role lacks rights; grant them, or let a role that has them run: npx lf migrate-store",
  "53100": "its disk is full",
  "55000": "if it is published, say: alter table lf.store replica identity full",
  "55P03": "another session has locked a row or a table of the schema lf",
  "57014": "the statement ran past its time limit",
}

/**
 * An error of the driver or the database as one of lf. Driver errors hold the connection's settings or the values of a
 * row, so the cause is a new error with the message and the code alone.
 */
export function toStoreError(error: unknown, during: string): LfError {
  if (isLfError(error)) return error
  const state = sqlStateOf(error)
  const code: ErrorCode = state === "53100" ? "LOG_FULL" : "LOG_FAILED"
  const remedy = state === undefined ? undefined : REMEDIES[state]
  const text = messageOf(error)
  const what = state === undefined ? "the connection to PostgreSQL failed" : `PostgreSQL refused (SQLSTATE ${state})`
  const reason = remedy === undefined ? text : `${text}: ${remedy}`
  return new LfError(code, `${what} while ${during}: ${reason}`, { cause: bareCause(text, error) })
}

/** Five characters when the database answered; the codes of sockets are longer. */
function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error)
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && hasSeverity(error) ? code : undefined
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
}

function hasSeverity(error: unknown): boolean {
  return error instanceof Error && "severity" in error
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || (codeOf(error) ?? error.name) : "it threw no error"
  return text.replaceAll(/postgres(?:ql)?:\/\/\S*/g, "postgres://…")
}

function bareCause(text: string, error: unknown): Error {
  const cause: Error & { code?: string } = new Error(text)
  cause.code = codeOf(error)
  return cause
}
