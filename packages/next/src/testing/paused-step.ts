// A process for one test: says "runs" when a guarded step has begun that takes a second, then what became of it.
import { writeSync } from "node:fs"
import { isLfError } from "@lf/core"
import { vmGuard } from "../node/guard.ts"

// A stream that is interrupted while it writes says nothing more.
const say = (text: string) => writeSync(1, text)
const endMs = performance.now() + 1_000
try {
  const isDone = vmGuard(400)(() => {
    say("runs ")
    while (performance.now() < endMs);
  })
  say(String(isDone))
} catch (error) {
  say(isLfError(error) ? error.code : String(error))
}
