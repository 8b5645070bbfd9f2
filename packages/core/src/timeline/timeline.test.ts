import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { type Mutation, mutationCodec } from "./mutation.ts"
import { defineMutation, defineMutator } from "./mutator.ts"
import { migrate } from "./schema.ts"
import { ClientJournal, HASHES_KEPT, HASHES_MAX, Timeline, timelineStream } from "./timeline.ts"

beforeAll(loadChecksum)

const mutator = defineMutator({ migrations: [], mutations: [] })
const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
const mutationOf = (n: number): Mutation => ({ uid: uidOf(n), name: "Add", args: n, at: 1 })
const args = (mutations: Iterable<Mutation>) => Array.from(mutations, (mutation) => mutation.args)

/** A timeline of mutations 1, 2, 3 …, of which the first `dropped` are in the base. */
async function timelineOf(count: number, dropped = 0) {
  const streams = new Streams(await new MemoryDisk().open("d"))
  const timeline = new Timeline(streams, { clientId: "a", mutator, user: null })
  for (let n = 1; n <= count; n++) timeline.append(mutationOf(n))
  timeline.drop(lsn(dropped))
  return { timeline, streams }
}

describe("what is pending", () => {
  test("is what was appended and not dropped, and is found by its uid", async () => {
    const { timeline, streams } = await timelineOf(5, 2)
    expect([timeline.pendingCount, timeline.start(), timeline.lsn()]).toEqual([3, 2, 5])
    expect(args(timeline.pending())).toEqual([3, 4, 5])
    expect([1, 2, 3, 5].map((n) => timeline.isPending(uidOf(n)))).toEqual([false, false, true, true])
    const again = new Timeline(streams, { clientId: "a", mutator, user: null })
    expect([2, 3].map((n) => again.isPending(uidOf(n)))).toEqual([false, true])
    expect(streams.names()).toEqual([timelineStream("a")])
  })

  test("is dropped once: a position that is dropped already changes nothing", async () => {
    const { timeline } = await timelineOf(3, 2)
    for (const position of [0, 1, 2]) timeline.drop(lsn(position))
    expect(args(timeline.pending())).toEqual([3])
    timeline.drop(lsn(3))
    expect([timeline.pendingCount, timeline.isPending(uidOf(3))]).toEqual([0, false])
  })

  test("is given up to a position, and after one, wherever that lies", async () => {
    const { timeline } = await timelineOf(4, 1)
    const upTo = [0, 1, 2, 4, 9].map((position) => args(timeline.pendingUpTo(lsn(position))))
    expect(upTo).toEqual([[], [], [2], [2, 3, 4], [2, 3, 4]])
    const after = [0, 1, 2, 4, 9].map((position) => args(timeline.pendingAfter(lsn(position))))
    expect(after).toEqual([[2, 3, 4], [2, 3, 4], [3, 4], [], []])
  })
})

describe("what is sent", () => {
  const sent = (timeline: Timeline, cursor: number, durable: number, maxBytes = 10_000) => {
    const { from, entries } = timeline.sync(lsn(cursor), lsn(durable), maxBytes)
    return [from, entries.map((bytes) => mutationCodec.decode(bytes).args)]
  }

  test("begins at the server's cursor and ends with what is durable here (I1)", async () => {
    const { timeline } = await timelineOf(4)
    expect(sent(timeline, 0, 4)).toEqual([0, [1, 2, 3, 4]])
    expect(sent(timeline, 1, 3)).toEqual([1, [2, 3]])
    expect(sent(timeline, 2, 2)).toEqual([2, []])
    expect(sent(timeline, 3, 1)).toEqual([3, []])
  })

  test("begins no earlier than what is pending, and is as much as fits", async () => {
    const { timeline } = await timelineOf(4, 2)
    expect(sent(timeline, 0, 4)).toEqual([2, [3, 4]])
    expect(sent(timeline, 0, 4, 1)).toEqual([2, [3]])
    expect(timeline.sync(lsn(0), lsn(4), 1).previousHash).toBe(timeline.hashAt(lsn(2)))
  })
})

describe("the server's copy of a timeline", () => {
  async function copyOf(count: number) {
    const streams = new Streams(await new MemoryDisk().open("d"))
    const journal = streams.journal("client/a", mutationCodec)
    for (let n = 1; n <= count; n++) journal.append(mutationOf(n))
    return new ClientJournal(journal)
  }

  test("holds its entries and their bytes until they were applied and are not needed", async () => {
    const copy = await copyOf(3)
    const bytes = mutationCodec.encode(mutationOf(1)).length
    expect(copy.held).toEqual({ entries: 3, bytes: 3 * bytes })
    copy.applied = lsn(2)
    copy.release(lsn(1))
    expect(copy.held).toEqual({ entries: 2, bytes: 2 * bytes })
    copy.release(lsn(3))
    expect(copy.held).toEqual({ entries: 1, bytes })
    copy.release(lsn(1))
    expect([copy.held.entries, copy.lsn(), copy.entry(lsn(3)).args]).toEqual([1, 3, 3])
  })

  test("keeps hashes from what the client confirmed on, and so many below (T1)", async () => {
    const [count, confirmed] = [HASHES_KEPT + 30, HASHES_KEPT + 10]
    const copy = await copyOf(count)
    copy.applied = lsn(count)
    copy.confirm(lsn(confirmed))
    copy.confirm(lsn(5)) // an older one, late
    copy.release(lsn(count))
    const oldest = confirmed - HASHES_KEPT
    expect(copy.hashAt(lsn(oldest))).not.toBe(undefined)
    expect(copy.hashAt(lsn(oldest - 1))).toBe(undefined)
  })

  test("believes a client no further than what was applied (T1)", async () => {
    const copy = await copyOf(HASHES_KEPT + 30)
    copy.applied = lsn(10)
    copy.confirm(lsn(HASHES_KEPT + 30))
    copy.applied = lsn(HASHES_KEPT + 30)
    copy.release(copy.lsn())
    expect(copy.hashAt(lsn(1))).not.toBe(undefined)
  })

  test("keeps no more than HASHES_MAX hashes of a client that confirms nothing (I17)", async () => {
    const copy = await copyOf(HASHES_MAX + 2)
    copy.applied = copy.lsn()
    copy.release(copy.lsn())
    expect([1, 2].map((position) => copy.hashAt(lsn(position)) === undefined)).toEqual([true, false])
  })
})

describe("what crashed SQLite in this process (T43)", () => {
  test("is not run again: it is rejected as such in the view, and what follows is applied", async () => {
    const Add = defineMutation("Add", z.number(), (tx, n) => void tx.run(sql`insert into t values (${n})`))
    const app = defineMutator({ migrations: [sql`create table t (n integer) strict`], mutations: [Add] })
    const streams = new Streams(await new MemoryDisk().open("d"))
    const timeline = new Timeline(streams, { clientId: "a", mutator: app, user: null, crashed: new Set([uidOf(1)]) })
    for (const n of [1, 2]) timeline.append(mutationOf(n))
    const db = new Database(await loadSqlite(), new Storage())
    migrate(db, app)
    expect(timeline.rebase(db)).toMatchObject([{ type: "rejected", code: "SQL_CRASHED" }, { type: "applied" }])
    expect(db.exec("select n from t")).toEqual([{ n: 2 }])
  })
})

test("an empty timeline rebases without a transaction; a mutation that throws is reported", async () => {
  const bug = new TypeError("a bug")
  const Add = defineMutation("Add", z.number(), () => {
    throw bug
  })
  const app = defineMutator({ migrations: [], mutations: [Add] })
  const streams = new Streams(await new MemoryDisk().open("d"))
  const timeline = new Timeline(streams, { clientId: "a", mutator: app, user: null })
  const db = new Database(await loadSqlite(), new Storage())
  expect(timeline.rebase(db)).toEqual([])
  const thrown: unknown[] = []
  expect(timeline.apply(db, mutationOf(1), (error) => thrown.push(error))).toMatchObject({ code: "MUTATION_THREW" })
  expect(thrown).toEqual([bug])
})
