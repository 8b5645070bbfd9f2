// A process for one test: steps that log without an end are stopped, and what it says afterwards is there.
import { vmGuard } from "../node/guard.ts"

console.log("before")
vmGuard()(() => console.log("in a step"))
let stops = 0
for (let round = 0; round < 10; round++) {
  for (const log of [console.log, console.error]) {
    const logs = () => {
      for (;;) log("again and again")
    }
    try {
      if (!vmGuard(30)(logs)) stops++
    } catch {
      stops++ // on a machine that is busy
    }
  }
}
console.log(`stopped ${stops} times`)
console.error("after")
