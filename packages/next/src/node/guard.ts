import { Script } from "node:vm"
import { LfError } from "@lf/core"
import type { Guard } from "@lf/core/internal"
import { LIMITS } from "../limits/limits.ts"
import { errnoOf } from "./fs-calls.ts"
import { holdOutput } from "./held-output.ts"

const SLOT = Symbol.for("lf.guard")
const script = new Script('globalThis[Symbol.for("lf.guard")]()', { filename: "lf-guard.js" })

/** A processor that many share is slow; what is over the limit by so much more was a pause. */
const PAUSE_MS_MIN = 1_000
/** Or the work had less than this part of the time. */
const PROCESSOR_PART_MIN = 0.1
/** In a process that is always short of a processor, work without an end would be run again for ever. */
const PAUSE_EVERY_MS_MIN = 60_000
let lastPauseMs = Number.NEGATIVE_INFINITY

/**
 * Stops JavaScript and wasm that never end (T12). Nothing in the same thread can interrupt a loop, but V8 can with a
 * timeout that was set before: `vm` offers that, here without a context of its own. That the process was paused is no fault
 * of the work.
 * @throws DOC_STOPPED then, once a minute at the most
 */
export function vmGuard(limitMs = LIMITS.mutationMsMax): Guard {
  // Symbols on globalThis have no type of their own.
  const slots = globalThis as unknown as Record<symbol, (() => void) | undefined>
  return (work) => {
    const outer = slots[SLOT]
    const [beganMs, processor] = [performance.now(), process.cpuUsage()]
    slots[SLOT] = work
    const release = holdOutput()
    try {
      script.runInThisContext({ timeout: limitMs, displayErrors: false })
      return true
    } catch (error) {
      if (errnoOf(error) !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error
      const { user, system } = process.cpuUsage(processor)
      const nowMs = performance.now()
      const wasPaused =
        nowMs - beganMs >= limitMs + PAUSE_MS_MIN || (user + system) / 1000 < limitMs * PROCESSOR_PART_MIN
      if (!wasPaused || nowMs - lastPauseMs < PAUSE_EVERY_MS_MIN) return false
      lastPauseMs = nowMs
      throw new LfError("DOC_STOPPED", "the process stood still while a mutation ran, so it is run again")
    } finally {
      slots[SLOT] = outer
      release()
    }
  }
}
