import { Script } from "node:vm"
import { LfError } from "@lf/core"
import type { Guard } from "@lf/core/internal"
import { LIMITS } from "../limits/limits.ts"
import { errnoOf } from "./fs-calls.ts"

const SLOT = Symbol.for("lf.guard")
const script = new Script('globalThis[Symbol.for("lf.guard")]()', { filename: "lf-guard.js" })

/**
 * Stops JavaScript and wasm that never end (T12). Nothing in the same thread can interrupt a loop, but V8 can with a
 * timeout that was set before: `vm` offers that, here without a context of its own. A process that was paused, or hardly
 * got a processor, is no fault of the work.
 * @throws DOC_STOPPED then
 */
export function vmGuard(limitMs = LIMITS.mutationMsMax): Guard {
  // Symbols on globalThis have no type of their own.
  const slots = globalThis as unknown as Record<symbol, (() => void) | undefined>
  return (work) => {
    const outer = slots[SLOT]
    const before = process.cpuUsage()
    slots[SLOT] = work
    try {
      script.runInThisContext({ timeout: limitMs, displayErrors: false })
      return true
    } catch (error) {
      if (errnoOf(error) !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error
      const { user, system } = process.cpuUsage(before)
      if ((user + system) / 1000 >= limitMs / 2) return false
      throw new LfError("DOC_STOPPED", "the process stood still while a mutation ran, so it is run again")
    } finally {
      slots[SLOT] = outer
    }
  }
}
