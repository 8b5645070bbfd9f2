// npm run proof -- fuzz: every decoder of outside bytes, with neighbours of inputs that are kept and of fresh ones (I11, S9, S10).
// LF_FUZZ_GROW=1 besides keeps what has a shape that nothing in the corpus has.
import { loadChecksum, SeededRandom } from "@lf/core/testing"
import fc from "fast-check"
import { prove } from "../proof.ts"
import { allocatedBy, isTooMuch } from "./allocations.ts"
import { readCorpus } from "./corpus.ts"
import { Grower } from "./grower.ts"
import { mutate } from "./mutate.ts"
import { judge, pollution, type Verdict } from "./oracle.ts"
import type { Target } from "./target.ts"
import { journalTargets } from "./targets/journal.ts"
import { pageTargets } from "./targets/pages.ts"
import { plainTargets } from "./targets/plain.ts"
import { recoveryTargets } from "./targets/recovery.ts"
import { serverTargets } from "./targets/servers.ts"
import { storeTargets } from "./targets/stores.ts"
import { wireTargets } from "./targets/wire.ts"

const targets: readonly Target[] = [
  ...wireTargets,
  ...plainTargets,
  ...journalTargets,
  ...pageTargets,
  ...storeTargets,
  ...recoveryTargets,
  ...serverTargets,
]

/** One seed: so many executions of one target. */
const BATCH = 1000
const FRESH = 8
/** One in so many batches counts what is allocated: that makes every allocation slow. */
const COUNTED_ONE_IN = 8
/** What is alive after a batch may not grow by more: nothing holds on to inputs. */
const HELD_BYTES_MAX = 512 * 1024 * 1024
const FAULTS_TOLD_MAX = 3

await prove({ name: "fuzz", unit: "fuzz executions" }, async (proof) => {
  await loadChecksum()
  if (!proof.isReplay) Error.stackTraceLimit = 0
  const corpora = new Map(targets.map((target) => [target, readCorpus(target.name)]))
  for (const [target, kept] of corpora) {
    if (kept.length === 0 && !Grower.isWanted) proof.fail(0, `${target.name} has no corpus`)
  }
  for (const seed of proof.seeds()) {
    const target = targets[seed % targets.length]
    const kept = corpora.get(target) ?? []
    const random = new SeededRandom(seed)
    const fresh = fc.sample(target.valid, { seed: random.uint32() | 0, numRuns: FRESH })
    const pool = [...kept, ...fresh]
    const isCounted = random.chance(1 / COUNTED_ONE_IN)
    const grower = Grower.isWanted ? new Grower(target, kept) : null
    let faults = 0
    for (let i = 0; i < BATCH; i++) {
      // What is in the pool comes as it is first: a kept input that failed once is tried in every batch.
      const input = i < pool.length ? pool[i] : mutate(random, random.pick(pool), () => random.pick(pool))
      const verdict = isCounted ? await judgeCounted(target, input) : await judge(target, input)
      if (verdict.isAccepted) proof.also("accepted")
      await grower?.look(input, verdict)
      if (verdict.fault === null) continue
      if (faults++ < FAULTS_TOLD_MAX) proof.fail(seed, `${target.name}: ${verdict.fault}   ${hex(input)}`)
    }
    proof.count(BATCH)
    const polluted = pollution()
    if (polluted !== null) proof.fail(seed, `${target.name}: ${polluted}`)
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    if (heapUsed + arrayBuffers > HELD_BYTES_MAX)
      proof.fail(seed, `${target.name}: ${heapUsed + arrayBuffers} bytes held`)
  }
})

async function judgeCounted(target: Target, input: Uint8Array): Promise<Verdict> {
  const { value, bytes } = await allocatedBy(() => judge(target, input))
  return isTooMuch(bytes, input.length) ? { ...value, fault: `${input.length} bytes ask for ${bytes}` } : value
}

const HEX_BYTES_MAX = 200

function hex(input: Uint8Array): string {
  const text = Buffer.from(input.subarray(0, HEX_BYTES_MAX)).toString("hex")
  return input.length > HEX_BYTES_MAX ? `${text}… (${input.length} bytes)` : text
}
