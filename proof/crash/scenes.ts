// What happens while a disk may end: for each thing that writes, a scene with that thing in it.
import { copyLog, type Local, MemoryDisk, type Remote, SeededRandom } from "@lf/core/testing"
import { act, type Cast, impersonate, meet } from "./cast.ts"
import type { Medium } from "./medium.ts"
import type { Promises } from "./promises.ts"

export interface Stage {
  readonly cast: Cast
  readonly random: SeededRandom
  readonly promises: Promises
  /** The disk that may end. */
  readonly medium: Medium
  /** The other side's, which does not. */
  readonly safe: MemoryDisk
}

export interface Scene {
  readonly side: "client" | "server"
  /** Before the disk gets the call at which it ends. */
  prepare(stage: Stage): Promise<void>
  play(stage: Stage): Promise<void>
}

const nothing = async () => {}

export const scenes: Readonly<Record<string, Scene>> = {
  "a client's journal": {
    side: "client",
    prepare: nothing,
    async play(stage) {
      const { local, remote } = await open(stage, "client")
      for (let i = 0; i < 4; i++) {
        const acts = some(stage.random, 5, () => act(local, stage.random, stage.promises))
        if (stage.random.chance(0.6)) await Promise.all(acts)
        await meet(local, remote, stage.cast.host, stage.promises)
        for (const { uid } of local.rejections.slice(1)) await local.dismiss(uid)
      }
    },
  },
  "a first sync in parts, then rollups": {
    side: "client",
    prepare: (stage) => fillServer(stage, "client", 70),
    async play(stage) {
      const { local, remote } = await open(stage, "client")
      await Promise.all(some(stage.random, 3, () => act(local, stage.random, stage.promises)))
      await meet(local, remote, stage.cast.host, stage.promises)
      for (let i = 0; i < 3; i++) {
        await Promise.all(some(stage.random, 4, () => act(local, stage.random, stage.promises)))
        await meet(local, remote, stage.cast.host, stage.promises)
      }
    },
  },
  "a change of client id": {
    side: "client",
    async prepare(stage) {
      const { local, remote } = await open(stage, "client")
      await Promise.all(some(stage.random, 3, () => act(local, stage.random, stage.promises)))
      await meet(local, remote, stage.cast.host, stage.promises)
      await Promise.all(some(stage.random, 3, () => act(local, stage.random, stage.promises)))
      // A clone writes under our id: what it sent comes first.
      await impersonate(local, remote, stage.cast.host, stage.random)
      await local.close()
      await remote.close()
    },
    async play(stage) {
      const { local, remote } = await open(stage, "client")
      await Promise.all(some(stage.random, 2, () => act(local, stage.random, stage.promises)))
      for (let i = 0; i < 3; i++) await meet(local, remote, stage.cast.host, stage.promises)
    },
  },
  "starting again, again and again": {
    side: "client",
    prepare: (stage) => fillServer(stage, "client", 4),
    async play(stage) {
      for (let i = 0; i < 3; i++) {
        const { local, remote } = await open(stage, "client")
        await Promise.all(some(stage.random, 3, () => act(local, stage.random, stage.promises)))
        await meet(local, remote, stage.cast.host, stage.promises)
        await local.close()
        await remote.close()
      }
    },
  },
  "a server's journal": {
    side: "server",
    prepare: nothing,
    async play(stage) {
      const { local, remote } = await open(stage, "server")
      for (let i = 0; i < 5; i++) {
        await Promise.all(some(stage.random, 4, () => act(local, stage.random, stage.promises)))
        await meet(local, remote, stage.cast.host, stage.promises)
      }
    },
  },
  "a server's checkpoint": {
    side: "server",
    prepare: (stage) => fillServer(stage, "server", 3),
    async play(stage) {
      for (let i = 0; i < 3; i++) {
        const { local, remote } = await open(stage, "server")
        await Promise.all(some(stage.random, 4, () => act(local, stage.random, stage.promises)))
        await meet(local, remote, stage.cast.host, stage.promises)
        if (stage.random.chance(0.7)) await remote.checkpoint()
        await Promise.all(some(stage.random, 2, () => act(local, stage.random, stage.promises)))
        await meet(local, remote, stage.cast.host, stage.promises)
        await remote.close()
        await local.close()
      }
    },
  },
}

/** Both sides, the tested one on the disk that may end. */
export async function open(stage: Stage, side: Scene["side"]): Promise<{ local: Local; remote: Remote }> {
  const { cast, medium, safe } = stage
  const remote = await cast.remote(await (side === "server" ? medium.open() : safe.open("d")))
  const local = await cast.local(await (side === "client" ? medium.open() : safe.open("d")))
  return { local, remote }
}

/** A server that has `count` files before the first client. It is made once, and copied: no disk ends meanwhile. */
async function fillServer({ cast, safe, medium }: Stage, side: Scene["side"], count: number): Promise<void> {
  const disk = filled.get(count) ?? (await fill(cast, count))
  filled.set(count, disk)
  await copyLog(await disk.open("d"), await (side === "server" ? medium.open() : safe.open("d")))
}

const filled = new Map<number, MemoryDisk>()

async function fill(cast: Cast, count: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const random = new SeededRandom(count)
  const others = cast.others(random.fork())
  const remote = await others.remote(await disk.open("d"))
  const fills = Array.from({ length: count }, (_, i) =>
    remote.mutate("Fill", { uid: random.uuid(), id: `f${i}`, text: "", n: 90 }, null),
  )
  await Promise.all(fills)
  await remote.checkpoint()
  await others.end()
  return disk
}

function some<T>(random: SeededRandom, max: number, make: () => T): T[] {
  return Array.from({ length: 1 + random.below(max) }, make)
}
