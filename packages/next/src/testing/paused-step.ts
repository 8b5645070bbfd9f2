// A process for one test: says "runs" in a guarded step, stops until it is continued, then says what became of the step; twice.
import { writeSync } from "node:fs"
import { isLfError } from "@lf/core"
import { vmGuard } from "../node/guard.ts"

// A stream that is interrupted while it writes says nothing more.
const say = (text: string) => writeSync(1, text)
const guard = vmGuard(400)
for (const _ of [1, 2]) {
  try {
    const isDone = guard(() => {
      say("runs ")
      process.kill(process.pid, "SIGSTOP")
      // Until the time limit is noticed, which had passed meanwhile.
      for (const endMs = performance.now() + 100; performance.now() < endMs; );
    })
    say(`${isDone} `)
  } catch (error) {
    say(`${isLfError(error) ? error.code : String(error)} `)
  }
}
