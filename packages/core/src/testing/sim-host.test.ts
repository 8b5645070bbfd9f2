import { hostContract } from "./host-contract.ts"
import { SeededRandom } from "./seeded-random.ts"
import { SimClock, SimHost } from "./sim-host.ts"

hostContract("simulated", () => {
  const clock = new SimClock()
  return {
    host: new SimHost(clock, new SeededRandom(1)),
    async pass(ms) {
      const untilMs = clock.nowMs + ms
      while (clock.nextAtMs <= untilMs) clock.runNext()
      clock.nowMs = untilMs
    },
  }
})
