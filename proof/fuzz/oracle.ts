import { ERROR_CODES, isLfError } from "@lf/core/testing"
import { Fault, type Target } from "./target.ts"

/** What one execution came to: its shape, and what is wrong with it if anything is. */
export interface Verdict {
  readonly shape: string
  readonly isAccepted: boolean
  readonly fault: string | null
}

const EXECUTION_MS_MAX = 50
/** The machine may be busy with something else: only what is slow every time is slow. */
const SLOW_TIMES = 3

/** Runs `target` on a copy of `input`. */
export async function judge(target: Target, input: Uint8Array): Promise<Verdict> {
  const startedMs = performance.now()
  const verdict = await execute(target, input.slice())
  if (verdict.fault !== null || performance.now() - startedMs <= EXECUTION_MS_MAX) return verdict
  for (let again = 0; again < SLOW_TIMES; again++) {
    const againMs = performance.now()
    await execute(target, input.slice())
    if (performance.now() - againMs <= EXECUTION_MS_MAX) return verdict
  }
  return { ...verdict, fault: `takes longer than ${EXECUTION_MS_MAX} ms every time` }
}

async function execute(target: Target, input: Uint8Array): Promise<Verdict> {
  try {
    const running = target.run(input)
    const shape = typeof running === "string" ? running : await running
    return { shape, isAccepted: true, fault: null }
  } catch (error) {
    return { shape: shapeOf(error), isAccepted: false, fault: faultOf(target, error) }
  }
}

function faultOf(target: Target, error: unknown): string | null {
  if (error instanceof Fault) return error.message
  if (!isLfError(error)) return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  if (!(error.code in ERROR_CODES)) return `threw the unknown code ${error.code}`
  if (!target.codes.includes(error.code)) return `threw ${error.code}, which it does not promise: ${error.message}`
  for (let cause = error.cause; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    if (!isLfError(cause) && !isOfLibrary(cause)) return `threw ${error.code} because of a bug: ${causeText(cause)}`
  }
  return null
}

/** Whether TextDecoder or the inflater threw it. */
function isOfLibrary(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const isInflate = "code" in cause && typeof cause.code === "number"
  const isText = "code" in cause && cause.code === "ERR_ENCODING_INVALID_ENCODED_DATA"
  return isInflate || isText || (cause instanceof RangeError && cause.message === "offset is out of bounds")
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}

function shapeOf(error: unknown): string {
  if (!isLfError(error)) return "fault"
  return `${error.code} ${error.message.replace(/\d+/g, "n").slice(0, 60)}`
}

const OBJECT_NAMES = Object.getOwnPropertyNames(Object.prototype).join()
const ARRAY_NAMES = Object.getOwnPropertyNames(Array.prototype).join()

/** Null as long as no input changed Object.prototype (S9). */
export function pollution(): string | null {
  if (Object.getOwnPropertyNames(Object.prototype).join() !== OBJECT_NAMES) return "Object.prototype was changed"
  if (Object.getOwnPropertyNames(Array.prototype).join() !== ARRAY_NAMES) return "Array.prototype was changed"
  return null
}
