// npm run proof -- crash: a disk ends at each of its calls, then again while everything starts again. Real servers and clients
// on the three logs; what was promised before must hold after.
import {
  isLfError,
  type Local,
  loadChecksum,
  MemoryDisk,
  type Remote,
  SeededRandom,
  SqlitePool,
  sqliteLoader,
} from "@lf/core/testing"
import { prove } from "../proof.ts"
import { Cast, comeTogether } from "./cast.ts"
import type { End } from "./countdown.ts"
import { media } from "./medium.ts"
import { Promises } from "./promises.ts"
import { open, type Scene, type Stage, scenes } from "./scenes.ts"

/** Servers and clients of one image that run at the same time. */
const INSTANCES = 12
/** Milliseconds before one image counts as hanging: far more than it takes. */
const PATIENCE_MS = 30_000
const ENDS: readonly End[] = ["crash", "crash", "crash", "full", "failing"]
/** How often the disk may end again during recovery. */
const SECOND_ENDS_MAX = 3

interface Image {
  readonly scene: Scene
  readonly medium: keyof typeof media
  readonly seed: number
  /** The call at which the disk ends; 0: it does not. */
  readonly call: number
  readonly end: End
  /** Distinguishes images of one call: what is left of the unsynced, and where the recovery ends. */
  readonly variant: number
}

const casts = Object.entries(scenes).flatMap(([name, scene]) =>
  (["memory", "fs", "browser"] as const)
    .filter((medium) => medium !== (scene.side === "client" ? "fs" : "browser"))
    .map((medium) => ({ name, scene, medium })),
)

await prove({ name: "crash", unit: "crash images" }, async (proof) => {
  await loadChecksum()
  const pool = new SqlitePool(await sqliteLoader())
  for (const seed of proof.seeds()) {
    const { name, scene, medium } = casts[seed % casts.length]
    const dry = await develop({ scene, medium, seed, call: 0, end: "crash", variant: 0 }, pool)
    if (dry.verdict !== null) proof.fail(seed, `${name} on ${medium}, undisturbed: ${dry.verdict}`)
    for (let call = 1; call <= dry.calls; call++) {
      for (const [variant, end] of ENDS.entries()) {
        const { verdict, images } = await develop({ scene, medium, seed, call, end, variant }, pool)
        if (verdict !== null) proof.fail(seed, `${name} on ${medium}, ${end} at call ${call} (${variant}): ${verdict}`)
        proof.count(images)
        proof.also(`on ${medium}`, images)
      }
    }
  }
})

/** `images`: states that a disk was left in, from which everything had to start again. */
interface Developed {
  readonly verdict: string | null
  readonly calls: number
  readonly images: number
}

async function develop(image: Image, pool: SqlitePool): Promise<Developed> {
  await pool.fill(INSTANCES)
  const { seed, call, end, variant, scene } = image
  const random = new SeededRandom(seed)
  const fate = new SeededRandom(random.fork().uint32() + (call * ENDS.length + variant) * 2 ** 32)
  const medium = media[image.medium](fate)
  const cast = new Cast(pool, random.fork())
  const stage: Stage = { cast, random, promises: new Promises(), medium, safe: new MemoryDisk() }
  let images = 1
  try {
    await scene.prepare(stage)
    await cast.end()
    const before = medium.calls
    if (call > 0) medium.stopAt(call, end)
    const thrown = await patiently(scene.play(stage))
    const calls = medium.calls - before
    if (thrown !== null && !isExpected(thrown, call)) {
      return { verdict: `the scene throws ${textOf(thrown)}`, calls, images }
    }
    await cast.end()
    medium.reboot()
    if (call > 0 && variant % 2 === 1) images += await endAgain(stage, scene, fate)
    return { verdict: await judge(stage, scene), calls, images }
  } catch (error) {
    return { verdict: `it throws ${textOf(error)}`, calls: 0, images }
  } finally {
    await cast.end()
  }
}

/** Ends the disk during the recovery, and during the next one (I13). Returns how often. */
async function endAgain(stage: Stage, scene: Scene, fate: SeededRandom): Promise<number> {
  const times = 1 + fate.below(SECOND_ENDS_MAX)
  for (let i = 0; i < times; i++) {
    stage.medium.stopAt(1 + fate.below(12), "crash")
    const thrown = await patiently(open(stage, scene.side))
    if (thrown !== null && !isExpected(thrown, 1)) throw thrown
    await stage.cast.end()
    stage.medium.reboot()
  }
  return times
}

async function judge(stage: Stage, scene: Scene): Promise<string | null> {
  const { promises, cast } = stage
  const first = await open(stage, scene.side)
  const verdict = promises.judgeServer(first.remote) ?? promises.judgeDevice(first.local, first.remote)
  if (verdict !== null) return verdict
  const found = stateOf(first.local, first.remote)
  await cast.end()
  const { local, remote } = await open(stage, scene.side)
  if (stateOf(local, remote) !== found) return `I13: started twice it is ${stateOf(local, remote)}, not ${found}`
  const thrown = await patiently(comeTogether(local, remote, cast.host, promises))
  if (thrown !== null) return `I19: nothing comes together: ${textOf(thrown)}`
  return promises.judgeRest(local, remote)
}

/** What `work` threw, or null. It may also hang: a dead disk does not answer. */
async function patiently(work: Promise<unknown>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error("it hangs")), PATIENCE_MS)
  })
  const thrown = await Promise.race([work.then(() => null).catch((error: unknown) => error ?? "nothing"), late])
  clearTimeout(timer)
  return thrown
}

/** On a disk that ends each call rejects with a code. */
function isExpected(thrown: unknown, call: number): boolean {
  return call > 0 && isLfError(thrown) && /^(LOG_|SERVER_CLOSING|DOC_STOPPED)/.test(thrown.code)
}

function stateOf(local: Local, remote: Remote): string {
  const { clientId, epoch, cursor, pendingCount } = local
  return `${clientId} ${epoch} ${cursor} ${pendingCount} ${local.base.checksum} | ${remote.epoch} ${remote.lsn()} ${remote.checksum}`
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.stack}` : String(thrown)
}
