import { statSync } from "node:fs"
import { constants } from "node:os"
import { sep } from "node:path"
import { fileURLToPath } from "node:url"
import { types } from "node:util"
import { ERROR_CODES, type ErrorCode, isLfError, LfError } from "@lf/core"
import { isDevelopment } from "../process/environment.ts"
import { boundedLog, type Log, type LogEvent, type LogEventName } from "./log.ts"

/** Where a failure happened, as far as it is known. */
export interface ErrorContext {
  readonly doc?: string
  /** The name of the app's mutation that failed, and its uid. */
  readonly mutation?: string
  readonly uid?: string
  /** The mutation's user; null: anonymous. */
  readonly user?: string | null
}

/** Called with every failure at the server besides the answers to clients. What it throws is logged. */
export type OnError = (error: LfError, context: ErrorContext) => void

export interface Failure extends ErrorContext {
  readonly event: LogEventName
  readonly error: unknown
  /** The event for an error that is not lf's. */
  readonly code: ErrorCode
}

/** Reports failures: one event in the log, and the app's `onError`. */
export interface Reporter {
  readonly log: Log
  failed(failure: Failure): void
  /** Calls `onError` alone, for what has an event of its own. */
  notify(error: LfError, context: ErrorContext): void
}

export interface ReporterOptions {
  readonly onError?: OnError | undefined
  readonly log?: Log | undefined
}

export function reporterOf(options: ReporterOptions = {}): Reporter {
  const log = boundedLog(options.log)
  const notify = (error: LfError, context: ErrorContext) => {
    try {
      options.onError?.(error, context)
    } catch (thrown) {
      log({ level: "error", event: "on-error-failed", detail: describe(thrown) })
    }
  }
  return {
    log,
    notify,
    failed({ event, error, code, ...context }) {
      const failure = toFailure(error, code)
      log({ level: "error", event, code: failure.code, ...safeContext(context), detail: describe(error) })
      // Next's overlay and terminal show it with its source.
      if (isDevelopment()) console.error(error)
      notify(failure, context)
    },
  }
}

/** An error with an lf code: itself, or a wrapper. What only calls itself an `LfError` is wrapped like any other. */
export function toFailure(error: unknown, code: ErrorCode): LfError {
  if (isKnown(error)) return error
  const message = guarded(() => (error instanceof Error ? error.message : String(error)), ERROR_CODES[code])
  return new LfError(code, message, { cause: error })
}

/** A uid is a client's own text unless it has the form of one. */
function safeContext({ uid, ...context }: ErrorContext): Partial<LogEvent> {
  return { ...context, ...(uid === undefined || !UUID.test(uid) ? {} : { uid }) }
}

const HERE = `${process.cwd()}${sep}`
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PLACES_MAX = 6
const STACK_CHARS_MAX = 16_384
const CAUSES_MAX = 3

/**
 * What may be logged of an error: its class, the system's code, which migration it was, and where it was thrown. Never its
 * message, name or stack as they are: they may quote what was sent, and anything may be assigned to them (S16, S22).
 */
function describe(error: unknown): string {
  const parts: string[] = []
  let one = error
  for (let i = 0; i < CAUSES_MAX && one !== undefined && one !== null; i++) {
    parts.push(describeOne(one))
    one = guarded(() => (one as { cause?: unknown }).cause, undefined)
  }
  return parts.length === 0 ? String(error) : parts.join(", caused by ")
}

function describeOne(error: unknown): string {
  if (!types.isNativeError(error)) return typeof error
  const places = placesOf(error)
  const words = [classOf(error), factOf(error), ...(places.length === 0 ? [] : [`at ${places.join(" < ")}`])]
  return words.filter((word) => word !== "").join(" ")
}

/** The name of its class, which comes from code. Its `name` property may be anything. */
function classOf(error: Error): string {
  const name = guarded(() => Object.getPrototypeOf(error)?.constructor?.name as unknown, undefined)
  return typeof name === "string" && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : "Error"
}

/** Codes alone, as "LOG_FAILED SQLSTATE 28P01": no word of a message, so that it may be shown to everyone. */
export function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {}
  return [error, cause].flatMap((one) => (types.isNativeError(one) ? factOf(one) || [] : [])).join(" ")
}

/** "ENOSPC" of the system's, or what lf's own messages begin with: "migration 3", "SQLSTATE 28P01". */
function factOf(error: Error): string {
  const code = guarded(() => (error as { code?: unknown }).code, undefined)
  if (typeof code !== "string") return ""
  if (Object.hasOwn(constants.errno, code) || DNS_CODES.has(code)) return code
  if (!isKnown(error)) return ""
  const fact = FACTS.find(({ of }) => code.startsWith(of))?.text.exec(error.message)?.[1]
  return fact === undefined ? code : `${code} ${fact}`
}

const DNS_CODES: ReadonlySet<string> = new Set(["ENOTFOUND", "EAI_AGAIN"])
const FACTS = [
  { of: "MIGRATION_", text: /^(migration \d{1,6})\b/ },
  { of: "LOG_", text: /^PostgreSQL refused \((SQLSTATE [0-9A-Z]{5})\) / },
]

export function isKnown(error: unknown): error is LfError {
  return guarded(() => isLfError(error) && Object.hasOwn(ERROR_CODES, error.code), false)
}

/**
 * Where it was thrown, as "file:line:column", innermost first. A line of a stack counts when it names a file that exists here:
 * a text that was sent does not become a place by looking like one.
 */
function placesOf(error: unknown): string[] {
  const stack = guarded(() => (error as Error).stack, undefined)
  if (typeof stack !== "string") return []
  const places: string[] = []
  for (const line of stack.slice(0, STACK_CHARS_MAX).split("\n")) {
    const place = placeIn(line)
    if (place !== null) places.push(place)
    if (places.length === PLACES_MAX) break
  }
  return places
}

function placeIn(line: string): string | null {
  const text = /^\s+at (.+?)\)?$/.exec(line)?.[1]
  if (text === undefined) return null
  const [, location, at] =
    /^(.+?):(\d{1,7}:\d{1,7})$/.exec(text.slice(text.lastIndexOf(" (") + 1).replace(/^\(/, "")) ?? []
  if (location === undefined) return null
  const path = guarded(() => (location.startsWith("file://") ? fileURLToPath(location) : location), "")
  const isFile = guarded(() => /^(\/|[A-Za-z]:\\)/.test(path) && statSync(path).isFile(), false)
  return isFile ? `${path.startsWith(HERE) ? path.slice(HERE.length) : path}:${at}` : null
}

/** Getters and proxies may throw. */
function guarded<T>(ask: () => T, otherwise: T): T {
  try {
    return ask()
  } catch {
    return otherwise
  }
}
