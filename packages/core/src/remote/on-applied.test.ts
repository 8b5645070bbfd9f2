import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { concatBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { memoryPipe } from "../network/memory-network.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { sqliteLoader, turn } from "../testing/sim-node.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { ConnectedClient } from "./connected-client.ts"
import { EFFECT_CLOSE_MS_MAX, type Effect, type OnApplied } from "./on-applied.ts"
import { Remote } from "./remote.ts"
import { pagesAtRest, readCopy, restoreCopy } from "./restore.ts"

let loadSqlite: LoadSqlite
beforeAll(async () => {
  await loadChecksum()
  loadSqlite = await sqliteLoader()
})

const Note = defineMutation("Note", z.object({ text: z.string() }), (tx, { text }) => {
  if (text === "no") throw new Reject("no")
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({ migrations: [sql`create table notes (text text) strict`], mutations: [Note] })

const textOf = ({ args }: Effect) => (args as { text: string }).text
const uidOf = (at: number) => `00000000-0000-7000-8000-${String(at).padStart(12, "0")}`

/** A document whose server is restarted, and the effects that its app was called with in all runs. */
class World {
  readonly clock = new SimClock()
  /** Every fsync waits for this. */
  sync: Promise<void> = Promise.resolve()
  disk = new MemoryDisk(() => this.sync)
  readonly delivered: Effect[] = []
  /** The app's `onApplied`; `delivered` has every call, failed or not. */
  act: OnApplied = () => {}
  isOn = true
  #remote: Remote | null = null
  #host = new SimHost(this.clock, new SeededRandom(1))

  get remote(): Remote {
    if (this.#remote === null) throw new Error("it has not started")
    return this.#remote
  }

  async start(): Promise<void> {
    const host = new SimHost(this.clock, new SeededRandom(2))
    this.#host = host
    const onApplied = (effect: Effect) => {
      this.delivered.push(effect)
      return this.act(effect)
    }
    this.#remote = await Remote.recover({
      opened: await this.disk.open("d"),
      loadSqlite,
      mutator,
      host,
      ...(this.isOn ? { onApplied } : {}),
    })
  }

  crash(): void {
    this.#host.kill()
    this.disk.crash()
  }

  async note(...texts: string[]): Promise<void> {
    for (const text of texts) await this.remote.mutate("Note", { text }, { id: "ann" })
  }

  /** Sends a client's texts from its first on; `confirmed`: how many outcomes it has. */
  async send(clientId: string, texts: readonly string[], confirmed = 0): Promise<void> {
    const client = new ConnectedClient({
      pipe: memoryPipe()[0],
      clientId,
      rights: { user: clientId },
      hasOurEpoch: false,
    })
    const entries = texts.map((text, i) => mutationCodec.encode({ uid: uidOf(i), name: "Note", args: { text }, at: 1 }))
    const batch = { from: LSN_ZERO, previousHash: 0n, entries }
    const message = { type: "sync-mutations", batch, confirmed: lsn(confirmed) } as const
    expect(this.remote.handleClientMutations(client, message, []).type).toBe("cursor")
    await this.remote.read(sql`select 1`)
  }

  async texts(): Promise<string[]> {
    for (let i = 0; i < 20; i++) await turn()
    return this.delivered.map(textOf)
  }

  /** The number of entries of each stream at rest. */
  async streams(): Promise<Map<string, number>> {
    const opened = await this.disk.open("d")
    const streams = new Streams(opened)
    const counts = streams.names().map((name) => {
      const journal = streams.journal(name, mutationCodec)
      return [name, journal.lsn() - journal.start()] as const
    })
    await streams.close()
    return new Map(counts)
  }

  pass(delayMs: number): void {
    let isOver = false
    this.clock.after(delayMs, () => {
      isOver = true
    })
    while (!isOver) this.clock.runNext()
  }
}

async function started(): Promise<World> {
  const world = new World()
  await world.start()
  return world
}

const fails = () => {
  throw new Error("the mail server is down")
}

describe("effects (S19)", () => {
  test("are delivered in the order of application, one at a time, the server's own too (S19)", async () => {
    const world = await started()
    let running = 0
    world.act = async () => {
      expect(++running).toBe(1)
      await turn()
      running--
    }
    await world.send("a", ["1", "2"])
    await world.send("b", ["3"])
    await world.note("4")
    await world.send("a", ["1", "2", "5"])
    expect(await world.texts()).toEqual(["1", "2", "3", "4", "5"])
    const [first, , , fourth] = world.delivered
    expect(first).toEqual({ clientId: "a", lsn: 1, uid: uidOf(0), name: "Note", args: { text: "1" }, user: "a" })
    expect([fourth.clientId, fourth.user]).toEqual(["server", "ann"])
  })

  test("are of flushed mutations only: one that a crash undid had no effect (S19)", async () => {
    const world = await started()
    world.sync = new Promise(() => {})
    void world.send("a", ["1"])
    expect(await world.texts()).toEqual([])
    world.crash()
    world.sync = Promise.resolve()
    await world.start()
    expect(await world.texts()).toEqual([])
    await world.send("a", ["1"])
    expect(await world.texts()).toEqual(["1"])
  })

  test("of rejected mutations do not exist, also after a crash and a checkpoint (S19)", async () => {
    const world = await started()
    world.act = fails
    await world.note("1", "no")
    await world.send("a", ["no", "2", "no"])
    for (let run = 0; run < 2; run++) {
      world.crash()
      await world.start()
      await world.remote.checkpoint()
    }
    await world.texts()
    world.act = () => {}
    world.delivered.length = 0
    world.crash()
    await world.start()
    expect(await world.texts()).toEqual(["1", "2"])
    await world.remote.close()
    await world.start()
    expect(await world.texts()).toEqual(["1", "2"])
  })

  test("that throw are repeated after a growing pause; only later effects wait (S19)", async () => {
    const world = await started()
    world.act = fails
    await world.note("1", "2")
    expect(world.remote.query(sql`select text from notes`)).toHaveLength(2)
    expect(await world.texts()).toEqual(["1"])
    world.pass(250)
    expect(await world.texts()).toEqual(["1", "1"])
    world.pass(499)
    expect(await world.texts()).toEqual(["1", "1"])
    world.act = () => Promise.resolve()
    world.pass(1)
    expect(await world.texts()).toEqual(["1", "1", "1", "2"])
    expect(new Set(world.delivered.map(({ uid }) => uid)).size).toBe(2)
  })

  test("get a copy of the arguments at each attempt (S19)", async () => {
    const world = await started()
    world.act = (effect) => {
      Object.assign(effect.args as object, { text: "changed" })
      throw new Error("later")
    }
    await world.note("1")
    await world.texts()
    world.act = () => {}
    world.pass(250)
    expect(await world.texts()).toEqual(["changed", "1"])
  })

  test("are repeated with the same uid after a crash before their mark (S19)", async () => {
    const world = await started()
    let held: Promise<void> = Promise.resolve()
    world.act = () => {
      // The mark after it is never flushed.
      world.sync = held
    }
    await world.note("1")
    await world.texts()
    held = new Promise(() => {})
    await world.note("2")
    await world.texts()
    world.crash()
    world.act = () => {}
    world.sync = Promise.resolve()
    await world.start()
    expect(await world.texts()).toEqual(["1", "2", "2"])
    expect(world.delivered[1].uid).toBe(world.delivered[2].uid)
  })

  test("continue after a restart where they were, after a crash and a close (S19, T5)", async () => {
    const world = await started()
    await world.note("1")
    await world.texts()
    world.act = fails
    await world.note("2", "3")
    await world.texts()
    world.crash()
    world.delivered.length = 0
    await world.start()
    expect(await world.texts()).toEqual(["2"])
    await world.remote.close()
    world.act = () => {}
    await world.start()
    expect(await world.texts()).toEqual(["2", "2", "3"])
  })

  test("that wait survive checkpoints, whatever their author confirmed; others go (S19, I12)", async () => {
    const world = await started()
    world.act = fails
    await world.send("a", ["1", "2"])
    await world.send("a", ["1", "2", "3"], 2)
    await world.remote.checkpoint()
    world.crash()
    world.act = () => {}
    world.delivered.length = 0
    await world.start()
    await world.send("a", ["1", "2", "3"], 3)
    expect(await world.texts()).toEqual(["1", "2", "3"])
    await world.remote.checkpoint()
    await world.remote.close()
    const kept = await world.streams()
    expect([kept.get("arrivals"), kept.get("client/a"), kept.get("effects")]).toEqual([0, 0, 2])
  })

  test("are awaited and marked by a close; one that takes too long is repeated (S19)", async () => {
    const world = await started()
    let end = () => {}
    world.act = () => new Promise((resolve) => (end = resolve))
    await world.note("1", "2")
    await world.texts()
    const isClosed = world.remote.close()
    await world.texts()
    end()
    await isClosed
    await world.start()
    expect(await world.texts()).toEqual(["1", "2"])
    const isClosedLate = world.remote.close()
    world.pass(EFFECT_CLOSE_MS_MAX)
    await isClosedLate
    end()
    world.act = () => {}
    await world.start()
    expect(await world.texts()).toEqual(["1", "2", "2"])
  })

  test("end when a document stops, and go on when it is opened again (S19)", async () => {
    const world = await started()
    world.disk.failNext(new Error("the disk is broken"))
    await expect(world.note("1")).rejects.toMatchObject({ code: "LOG_FAILED" })
    await world.remote.close().catch(() => {})
    await world.start()
    await world.note("2")
    expect(await world.texts()).toEqual(["2"])
  })

  test("without onApplied leave no marks; with it they begin with later mutations (S19)", async () => {
    const world = new World()
    world.isOn = false
    await world.start()
    await world.note("1", "no")
    await world.remote.close()
    expect((await world.streams()).has("effects")).toBe(false)
    world.isOn = true
    await world.start()
    await world.note("2")
    expect(await world.texts()).toEqual(["2"])
    world.crash()
    world.isOn = false
    await world.start()
    await world.note("3")
    world.crash()
    expect((await world.streams()).has("effects")).toBe(false)
    world.isOn = true
    await world.start()
    await world.note("4")
    expect(await world.texts()).toEqual(["2", "4"])
  })

  test("are not lost by a crash in the first run before an effect (S19)", async () => {
    const world = await started()
    world.act = fails
    await world.note("1")
    world.crash()
    world.delivered.length = 0
    world.act = () => {}
    await world.start()
    expect(await world.texts()).toEqual(["1"])
  })

  test("of a restored document begin after the copy (S19, T2)", async () => {
    const world = await started()
    await world.send("a", ["1"])
    await world.note("2")
    await world.texts()
    await world.remote.close()
    const { log, ...stored } = await world.disk.open("d")
    await log.close()
    const copy = readCopy(
      await loadSqlite(),
      concatBytes(pagesAtRest(stored, new SimHost(world.clock, new SeededRandom(3)))),
    )
    world.disk = new MemoryDisk()
    await restoreCopy(await world.disk.open("d"), copy, new SimHost(world.clock, new SeededRandom(4)))
    await world.start()
    await world.note("3")
    expect(await world.texts()).toEqual(["1", "2", "3"])
  })
})
