import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { toLfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { atTheEndOfTheStack } from "../testing/end-of-stack.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { HASHES_KEPT } from "../timeline/timeline.ts"
import { ClientList } from "./client-list.ts"
import { Remote } from "./remote.ts"
import type { RemoteOptions } from "./remote-options.ts"
import { RemoteStore } from "./remote-store.ts"
import { STEP_MUTATIONS_MAX } from "./step-runner.ts"

beforeAll(loadChecksum)

/** The texts that ran since a group began, and whether one of them took too long. */
let run: string[] = []
let isSlow = false
const Note = defineMutation("Note", z.object({ text: z.string() }), (tx, { text }) => {
  run.push(text)
  if (text.startsWith("slow")) isSlow = true
  if (text === "bug") throw new TypeError("a bug")
  if (text.startsWith("refused")) throw new Reject("no", { text })
  tx.run(sql`insert into notes values (${text})`)
})
const Stamp = defineMutation(
  "Stamp",
  z.object({}),
  (tx) => void tx.run(sql`insert into notes values (${`${tx.nowMs}`})`),
)
const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null) strict`],
  mutations: [Note, Stamp],
})
const notes = sql<{ text: string }>`select text from notes order by text`

async function recover(disk: MemoryDisk, options: Partial<RemoteOptions> = {}): Promise<Remote> {
  const host = new SimHost(new SimClock(), new SeededRandom(1))
  return Remote.recover({ opened: await disk.open("d"), loadSqlite, mutator, host, ...options })
}

describe("a group that takes too long (T12)", () => {
  /** Runs the texts together; stops each group in which a text is slow. */
  async function runAll(...texts: string[]) {
    const groups: string[][] = []
    const failed: string[] = []
    const waiting: number[] = []
    let isGuarded = false
    const remote: Remote = await recover(new MemoryDisk(), {
      guard: (work) => {
        ;[run, isSlow] = [[], false]
        isGuarded = true
        work()
        isGuarded = false
        if (run.length > 0) groups.push(run)
        if (run.length > 0) waiting.push(remote.waitingCount)
        return !isSlow
      },
      onFailed: ({ error }) => failed.push(`${toLfError(error, "MUTATION_THREW").code}${isGuarded ? " guarded" : ""}`),
    })
    const outcomes = await Promise.all(texts.map((text) => remote.mutate("Note", { text }, null)))
    const rows = await remote.read(notes)
    expect(remote.waitingCount).toBe(0)
    await remote.close()
    return { waiting, groups, failed, outcomes, texts: rows.map(({ text }) => text) }
  }

  test("runs again without the mutation it was stopped in, which is rejected if slow alone", async () => {
    const { waiting, groups, failed, outcomes, texts } = await runAll("a", "b", "slow")
    expect(waiting, "what is not decided").toEqual([3, 3, 1])
    expect(groups).toEqual([["a", "b", "slow"], ["a", "b"], ["slow"]])
    expect(outcomes.map((outcome) => outcome.type)).toEqual(["applied", "applied", "rejected"])
    expect(outcomes[2]).toMatchObject({ code: "SQL_LIMIT" })
    expect([texts, failed]).toEqual([["a", "b"], ["SQL_LIMIT"]])
  })

  test("reports what another one in it threw once, and not while it may be stopped", async () => {
    const { groups, failed, outcomes } = await runAll("bug", "slow")
    expect(groups).toEqual([["bug", "slow"], ["bug"], ["slow"]])
    expect(outcomes.map((outcome) => outcome.type)).toEqual(["rejected", "rejected"])
    expect(failed).toEqual(["MUTATION_THREW", "SQL_LIMIT"])
  })

  test("rejects no innocent mutation that ran when time was up: it is applied alone", async () => {
    const { groups, outcomes, texts } = await runAll("slow", "b", "c")
    expect(groups).toEqual([["slow", "b", "c"], ["slow", "b"], ["slow"], ["b"], ["c"]])
    expect(outcomes.map((outcome) => outcome.type)).toEqual(["rejected", "applied", "applied"])
    expect(texts).toEqual(["b", "c"])
  })
})

test("a read that crashes SQLite costs an instance, not the document (T43)", async () => {
  let instances = 0
  const counting = async () => {
    instances++
    return loadSqlite()
  }
  const remote = await recover(new MemoryDisk(), { loadSqlite: counting })
  await remote.mutate("Note", { text: "kept" }, null)
  const before = instances
  const deep = sql`select ${"a".repeat(60_000)} like ${"%a".repeat(400)}`
  expect(() => atTheEndOfTheStack(() => remote.query(deep))).toThrow(expect.objectContaining({ code: "SQL_CRASHED" }))
  expect(await remote.read(sql`select 1 n`).catch((error) => error.code)).toBe("SQL_CRASHED")
  expect(await remote.read(notes)).toEqual([{ text: "kept" }])
  expect(instances).toBe(before + 1)
  await remote.close()
})

describe("onFailed", () => {
  test("is called with a mutator's error, not with a Reject or for a full document", async () => {
    const failed: unknown[] = []
    const remote = await recover(new MemoryDisk(), {
      pagesMax: 30,
      onFailed: ({ mutation, user, error }) => failed.push([mutation.name, user, (error as Error).message]),
    })
    const outcomes = await Promise.all([
      remote.mutate("Note", { text: "refused" }, { id: "ann" }),
      remote.mutate("Note", { text: "bug" }, { id: "ann" }),
      remote.mutate("Note", { text: "x".repeat(200_000) }, { id: "ann" }),
      remote.mutate("Note", { text: "good" }, { id: "ann" }),
    ])
    expect(outcomes.map((outcome) => (outcome.type === "rejected" ? outcome.code : outcome.type))).toEqual([
      "no",
      "MUTATION_THREW",
      "DOC_TOO_LARGE",
      "applied",
    ])
    // The group ran twice: the second time each mutation was measured.
    expect(new Set(failed.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify(["Note", "ann", "a bug"])]),
    )
    await remote.close()
  })
})

test("a group has at most 256 mutations, of any number of batches (T39)", async () => {
  const groups: number[] = []
  const remote = await recover(new MemoryDisk(), {
    guard: (work) => {
      run = []
      work()
      groups.push(run.length)
      return true
    },
  })
  const count = 2 * STEP_MUTATIONS_MAX + 3
  await Promise.all(Array.from({ length: count }, (_, i) => remote.mutate("Note", { text: `${i}` }, null)))
  expect(groups).toEqual([STEP_MUTATIONS_MAX, STEP_MUTATIONS_MAX, 3])
  expect(await remote.read(notes)).toHaveLength(count)
  await remote.close()
})

describe("a received mutation", () => {
  const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

  /** A server's log with these entries of client a, in the order of arrival. */
  async function logOf(entries: readonly Uint8Array[], forbidden: readonly number[] = []): Promise<MemoryDisk> {
    const disk = new MemoryDisk()
    const store = new RemoteStore(await disk.open("d"), new SimHost(new SimClock(), new SeededRandom(1)))
    const journal = new ClientList(store).journal("a")
    journal.write({ from: lsn(0), previousHash: 0n, entries })
    store.arrivals.append({ clientId: "a", from: lsn(0), to: journal.lsn(), user: "ann", atMs: 5, forbidden })
    await store.streams.close()
    return disk
  }

  const noteOf = (n: number, text: string) =>
    mutationCodec.encode({ uid: uidOf(n), name: "Note", args: { text }, at: 1 })
  /** Read by a connection of our own: the app's may not read this table. */
  async function rejections(remote: Remote): Promise<string[]> {
    const db = new Database(await loadSqlite(), new Storage(remote.pages))
    const rows = db.exec("select lsn, code from __lf_rejections order by lsn")
    db.close()
    return rows.map((row) => `${row.lsn} ${row.code}`)
  }

  test("that cannot be read or was forbidden is rejected; those after it are applied (T38)", async () => {
    const malformed = noteOf(1, "x").slice(0, -1)
    const disk = await logOf([malformed, noteOf(2, "forbidden"), noteOf(3, "good")], [2])
    const failed: unknown[] = []
    const remote = await recover(disk, { onFailed: (one) => failed.push(one) })
    expect(remote.query(notes)).toEqual([{ text: "good" }])
    expect(await rejections(remote)).toEqual(["1 BYTES_MALFORMED", "2 MUTATION_FORBIDDEN"])
    expect(failed).toMatchObject([
      { mutation: { uid: uidOf(0).replace("4000-8", "0000-0"), name: "", args: null, at: 5 }, user: "ann" },
    ])
    await remote.close()
  })

  test("from a clock more than a minute ahead is dated a minute ahead of the server's", async () => {
    const at = (n: number, ms: number) => mutationCodec.encode({ uid: uidOf(n), name: "Stamp", args: {}, at: ms })
    const remote = await recover(await logOf([at(1, 4), at(2, 60_005), at(3, 60_006), at(4, 9_000_000)]))
    expect(remote.query(notes).map(({ text }) => text)).toEqual(["4", "60005", "60005", "60005"])
    await remote.close()
  })

  test("leaves at rest no arrival that ran, and no outcome of the server's own", async () => {
    const disk = await logOf([noteOf(1, "a"), noteOf(2, "refused")])
    const remote = await recover(disk)
    await remote.mutate("Note", { text: "refused" }, null)
    await remote.mutate("Note", { text: "b" }, null)
    await remote.checkpoint()
    await remote.close()
    const store = new RemoteStore(await disk.open("d"), new SimHost(new SimClock(), new SeededRandom(1)))
    expect([store.arrivals.start(), store.arrivals.lsn()]).toEqual([3, 3])
    expect(Array.from(store.outcomes.iter(), ({ entry }) => entry.clientId)).toEqual(["a"])
    await store.streams.close()
    const again = await recover(disk)
    expect(again.query(notes).map(({ text }) => text)).toEqual(["a", "b"])
    await again.close()
  })

  test("in one of many batches runs in groups of 256, in order and once (T39)", async () => {
    const groups: number[] = []
    const disk = new MemoryDisk()
    const store = new RemoteStore(await disk.open("d"), new SimHost(new SimClock(), new SeededRandom(1)))
    const clients = new ClientList(store)
    const sizes = [100, 100, 200, 5]
    for (const clientId of ["a", "b"]) {
      const journal = clients.journal(clientId)
      let hash = 0n
      for (const size of sizes) {
        const from = journal.lsn()
        const entries = Array.from({ length: size }, (_, i) => noteOf(from + i, `${clientId}${1000 + from + i}`))
        journal.write({ from, previousHash: hash, entries })
        hash = journal.hashAt(journal.lsn()) ?? 0n
        store.arrivals.append({ clientId, from, to: journal.lsn(), user: null, atMs: 5, forbidden: [] })
      }
    }
    await store.streams.close()
    const remote = await recover(disk, {
      guard: (work) => {
        run = []
        work()
        groups.push(run.length)
        return true
      },
    })
    expect(groups).toEqual([256, 256, 256, 42])
    expect(remote.query(sql<{ n: number; d: number }>`select count(*) n, count(distinct text) d from notes`)).toEqual([
      { n: 810, d: 810 },
    ])
    const inOrder = remote.query(sql<{ text: string }>`select text from notes where text like 'a%' order by rowid`)
    expect(inOrder.map(({ text }) => text)).toEqual(inOrder.map(({ text }) => text).sort())
    await remote.close()
  })

  test("of the server itself is in no client's list of rejections", async () => {
    const remote = await recover(new MemoryDisk())
    expect(await remote.mutate("Note", { text: "refused" }, null)).toMatchObject({ type: "rejected", code: "no" })
    expect(await rejections(remote)).toEqual([])
    await remote.close()
  })

  test("is dropped from the rejections when its author has seen it and HASHES_KEPT more", async () => {
    const count = HASHES_KEPT + 2
    const texts = Array.from({ length: count }, (_, i) => (i < 3 ? `refused ${i}` : `note ${i}`))
    const entries = texts.map((text, i) => noteOf(i + 1, text))
    const disk = await logOf(entries)
    const remote = await recover(disk)
    expect(await rejections(remote)).toEqual(["1 no", "2 no", "3 no"])
    let hash = 0n
    for (const entry of entries) hash = chainHash(hash, entry)
    const client = clientOf(remote)
    client.seen(count)
    client.push({ from: lsn(count), previousHash: hash, entries: [noteOf(count + 1, "last")] })
    await remote.read(notes)
    await remote.read(notes)
    expect(await rejections(remote)).toEqual(["3 no"])
    await remote.close()
  })

  /** The calls that frames of client a lead to, without its secret. */
  function clientOf(remote: Remote) {
    const client = { clientId: "a", user: "ann", author: { id: "ann" }, hasOurEpoch: true, waiting: null } as never // all that these two calls read
    return {
      seen: (outcomesSeen: number) =>
        remote.handleClientSyncStorage(client, {
          type: "sync-storage",
          cursor: lsn(1),
          outcomesSeen: lsn(outcomesSeen),
          resumeLsn: lsn(0),
          resumePages: 0,
        }),
      push: (batch: { from: ReturnType<typeof lsn>; previousHash: bigint; entries: Uint8Array[] }) =>
        remote.handleClientMutations(client, { type: "sync-mutations", batch, confirmed: lsn(0) }, []),
    }
  }
})
