import type { ErrorCode } from "@lf/core"
import { processGlobal } from "../process/globals.ts"

/** The events: stable names for alerts and dashboards. docs/deploying.md lists them. */
export const LOG_EVENTS = {
  "authenticate-failed": "authenticate() threw, or gave no answer in time.",
  "authorize-failed": "authorize() threw, or gave no answer in time.",
  "user-id-invalid": "authenticate() answered an id that no user can have.",
  "option-missing": "createLf has no authenticate() or authorize(); production refuses to start.",
  "mutation-failed": "A mutator threw something else than a Reject, or was stopped.",
  "effect-failed": "onApplied() threw; it is called again.",
  "document-not-opened": "A document could not be opened; its clients were refused.",
  "document-stopped": "A document stopped after a failure of its storage; the next connection opens it anew.",
  "document-nearly-full": "A document has used most of the pages that it may have; see DOC_TOO_LARGE.",
  "document-not-closed": "A document was not closed cleanly; the next opening recovers it from its log.",
  "directory-remote": "The data directory is on a file system whose locks may keep no second server out.",
  "directory-refused": "The data directory cannot be used; every document is refused until it can.",
  "store-refused": "The database cannot be used; every document is refused until it can.",
  "on-error-failed": "onError() threw.",
  "telemetry-failed": "The app's OpenTelemetry SDK threw.",
  "log-failed": "log() threw.",
  "proxy-untrusted": "Connections through a proxy are refused as one address; trustProxy is not set.",
  "host-refused": "An upgrade named a host that this server is not known by; see hosts.",
  "events-left-out": "More events than one minute may have: the rest of the minute is left out.",
  stopping: "A signal to stop arrived; documents are flushed and closed.",
  "stop-failed": "Not every document was closed in time before the process ended.",
} as const

export type LogEventName = keyof typeof LOG_EVENTS

/**
 * One event, in fields. No field quotes what a client sent or an error's message: `code`, `event` and
 * `detail` are made by lf; `doc` and `uid` have a fixed form; `mutation` is a name of the app's own, `user` an id that
 * `authenticate` returned (S16, S22).
 */
export interface LogEvent {
  readonly level: "info" | "warn" | "error"
  readonly event: LogEventName
  readonly code?: ErrorCode
  readonly doc?: string
  /** Null: anonymous. Not in the default lines: an id may be a person's address. */
  readonly user?: string | null
  readonly mutation?: string
  readonly uid?: string
  readonly address?: string
  /** The class of an error, the system's code, and the places in code where it was thrown. Or a remedy. */
  readonly detail?: string
}

export type Log = (event: LogEvent) => void

/** Events per minute; what clients can cause must not fill a disk (I17). */
const EVENTS_PER_MINUTE_MAX = 600
const VALUE_CHARS_MAX = 1_000
const LINE_FIELDS = ["code", "doc", "mutation", "uid", "address", "detail"] as const

/** The app's `log`, or one line per event on stderr. Limited per minute, and never throws. */
export function boundedLog(log: Log = writeLine): Log {
  return (event) => {
    const minute = processGlobal("log-minute", () => ({ sinceMs: performance.now(), count: 0 }))
    const nowMs = performance.now()
    if (nowMs - minute.sinceMs >= 60_000) Object.assign(minute, { sinceMs: nowMs, count: 0 })
    minute.count++
    if (minute.count > EVENTS_PER_MINUTE_MAX) return
    const isLast = minute.count === EVENTS_PER_MINUTE_MAX
    try {
      log(isLast ? { level: "warn", event: "events-left-out", detail: LOG_EVENTS["events-left-out"] } : event)
    } catch {
      writeLine({ level: "error", event: "log-failed" })
    }
  }
}

function writeLine(event: LogEvent): void {
  process.stderr.write(`${lineOf(event)}\n`)
}

/** "lf: error mutation-failed code=MUTATION_THREW doc=a": always one line. */
export function lineOf(event: LogEvent): string {
  const fields = LINE_FIELDS.flatMap((name) => {
    const value = event[name]
    return value === undefined ? [] : [`${name}=${quoted(value)}`]
  })
  return ["lf:", event.level, event.event, ...fields].join(" ")
}

/** Unchanged if it is a plain word, else in quotes, with every invisible character escaped. */
function quoted(value: string): string {
  const text = value.length > VALUE_CHARS_MAX ? `${value.slice(0, VALUE_CHARS_MAX)}…` : value
  if (/^[\w./:@+-]+$/.test(text)) return text
  const escaped = text.replaceAll(/[\\"]|[\p{C}\p{Zl}\p{Zp}]/gu, (char) =>
    char === "\\" || char === '"' ? `\\${char}` : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return `"${escaped}"`
}
