import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { isLfError, LfError } from "../base/error.ts"
import type { DocumentLog, LogRecord } from "../journal/log.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { Session } from "../local/session.ts"
import { MemoryNetwork } from "../network/memory-network.ts"
import { ClientConnection } from "../remote/client-connection.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { admission } from "../testing/admit.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { sqliteLoader, turn } from "../testing/sim-node.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { ATTEMPTS_MAX, CAREFUL_MS } from "./crash-quarantine.ts"
import { Remote } from "./remote.ts"

let loadSqlite: LoadSqlite
beforeAll(async () => {
  await loadChecksum()
  loadSqlite = await sqliteLoader()
})

let isKilled = false
const Note = defineMutation("Note", z.object({ text: z.string() }), (tx, { text }) => {
  tx.run(sql`insert into notes values (${text})`)
  if (text === "poison" && tx.side === "remote") isKilled = true
})
/** Small to send, large to keep. */
const Fill = defineMutation("Fill", z.object({}), (tx) => {
  tx.run(sql`insert into notes with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
    select (i * 2654435761) % 4294967296 || 'x' from n`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (text text primary key) strict`],
  mutations: [Note, Fill],
})

/** A server whose process is killed by the poison: everything it had not flushed is lost. */
class World {
  readonly clock = new SimClock()
  readonly disk = new MemoryDisk()
  readonly network = new MemoryNetwork((pipe) => {
    const admit = () => {
      if (this.remote === null) throw new Error("down")
      return { remote: this.remote, user: null }
    }
    new ClientConnection({ pipe, host: this.#host(), admission: admission(admit) })
  })
  remote: Remote | null = null
  #wasLetGo = false
  deaths = 0
  flushes = 0
  /** How often the log was closed for an append that its storage had refused. */
  lettings = 0
  isRefusing = (_: readonly LogRecord[]) => false

  async start(): Promise<void> {
    const { log, ...stored } = await this.disk.open("d")
    const append: typeof log.append = async (records) => {
      this.flushes++
      if (this.isRefusing(records)) throw new LfError("LOG_FULL", "the disk is full")
      return log.append(records)
    }
    const counted = { isDurable: true, append, rollup: log.rollup.bind(log), close: () => log.close() }
    try {
      this.remote = await Remote.recover({
        opened: { ...stored, log: counted, wasLetGo: this.#wasLetGo },
        onStopped: () => void (isKilled || this.#letGo(log)),
        loadSqlite,
        mutator,
        host: this.#host(),
        guard: (work) => {
          isKilled = false
          work()
          if (!isKilled) return true
          this.kill()
          throw new Error("the process is dead")
        },
      })
      this.network.setOnline(true)
      this.#wasLetGo = false
    } catch (error) {
      if (isLfError(error) && error.code === "LOG_FULL") await this.#letGo(log)
      else if (!isKilled) throw error
    }
  }

  async #letGo(log: DocumentLog): Promise<void> {
    this.lettings++
    this.#wasLetGo = true
    this.remote = null
    this.network.setOnline(false)
    await log.close()
  }

  kill(): void {
    this.deaths++
    this.#wasLetGo = false
    this.remote = null
    this.disk.crash()
    this.network.setOnline(false)
  }

  async client(): Promise<Local> {
    const host = this.#host()
    const opened = await new MemoryDisk().open("d")
    const local = new Local({ opened, module: await loadSqlite(), mutator, host, user: null })
    new Session({ docId: "d", local, network: this.network, host, onChange: () => {} })
    return local
  }

  /** Restarts the server after each kill, as a process manager does, until `holds`. */
  async until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 2000; i++) {
      if (holds()) return
      if (this.remote === null) await this.start()
      this.clock.runNext()
      await turn()
    }
    throw new Error("it did not come to hold")
  }

  #host(): SimHost {
    return new SimHost(this.clock, new SeededRandom(this.deaths))
  }
}

describe("a mutation that kills the process", () => {
  test("is quarantined after three journaled attempts, and stops no other client (T12)", async () => {
    const world = new World()
    await world.start()
    const innocent = await world.client()
    const poisoner = await world.client()
    await world.until(() => innocent.cursor > 0 && poisoner.cursor > 0)
    for (const text of ["before", "poison", "after"]) poisoner.run("Note", { text })
    innocent.run("Note", { text: "innocent" })
    await world.until(() => poisoner.pendingCount + innocent.pendingCount === 0)
    expect(poisoner.rejections.map(({ args, code }) => [args, code])).toEqual([
      [{ text: "poison" }, "MUTATION_QUARANTINED"],
    ])
    expect(innocent.rejections).toEqual([])
    const texts = world.remote?.query<{ text: string }>(sql`select text from notes order by text`)
    expect(texts?.map(({ text }) => text)).toEqual(["after", "before", "innocent"])
    // The first kill left no attempt: groups are journaled only after an unclean stop.
    expect(world.deaths).toBe(1 + ATTEMPTS_MAX)
  })

  test("what a storage that failed kept from ending is no suspect: it killed no process (T12, T19)", async () => {
    const world = new World()
    await world.start()
    const author = await world.client()
    await world.until(() => author.cursor > 0)
    world.isRefusing = (records) => records.some(({ payload }) => payload.length > 10_000)
    author.run("Fill", {})
    await world.until(() => world.lettings > 2 * ATTEMPTS_MAX)
    expect(author.pendingCount).toBe(1)
    world.isRefusing = () => false
    await world.until(() => author.pendingCount === 0)
    expect([author.rejections, world.deaths]).toEqual([[], 0])
  })

  test("attempts are journaled for a minute after a kill, not after a clean stop (T12)", async () => {
    const world = new World()
    const flushesOfOne = async (text: string): Promise<number> => {
      const before = world.flushes
      await world.remote?.mutate("Note", { text }, null)
      return world.flushes - before
    }
    const wait = (delayMs: number) => {
      world.clock.after(delayMs, () => {})
      world.clock.runNext()
    }
    await world.start()
    await world.remote?.close()
    await world.start()
    expect(await flushesOfOne("after a clean stop")).toBe(1)
    world.kill()
    await world.start()
    expect(await flushesOfOne("after a kill")).toBe(2)
    wait(CAREFUL_MS)
    expect(await flushesOfOne("a minute later")).toBe(1)
  })
})
