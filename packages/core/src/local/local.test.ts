import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Link } from "../network/link.ts"
import type { Chunk, MutationsReply, Pages, SyncMutations, Welcome } from "../network/message.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { sql } from "../sqlite/sql.ts"
import { PageTable, type WholeBase } from "../storage/page-table.ts"
import { type Say, ScriptedServer, ServerDocument, wholeOf } from "../testing/scripted-server.ts"
import { loadSqlite, mutator, titles } from "../testing/small-world.ts"
import { Local } from "./local.ts"
import type { RejectedMutation, RejectionChange } from "./local-entries.ts"
import { LocalStore } from "./local-store.ts"

beforeAll(loadChecksum)

const rejection: RejectedMutation = { uid: "u", name: "Add", args: {}, at: 1, code: "NO", data: null }
const codeOf = (code: string) => expect.objectContaining({ code })

/** One client with some mutations that are durable, and a link to a server whose answers are next in turn. */
async function setUp(count = 2, disk = new MemoryDisk()) {
  const server = new ScriptedServer()
  const local = await server.local(disk)
  for (let i = 1; i <= count; i++) await local.run("Add", { id: String(i), title: `t${i}` }).durable
  let sayLater: Say = () => {}
  const answers: (MutationsReply | Pages | Chunk | "later")[] = []
  server.answer = (message, say) => {
    sayLater = say
    if (message.type !== "sync-mutations" && message.type !== "sync-storage") return
    const answer = answers.shift()
    if (answer === undefined) server.takeAll(message, say)
    else if (answer !== "later") say(answer)
  }
  const link = new Link(await server.connect(), () => {})
  const meet = (welcome: Partial<Welcome> = {}) => {
    const { cursor, base } = local
    const at = { lsn: cursor, checksum: base.checksum }
    const begin = { epoch: "e", clientLsn: lsn(0), clientHash: 0n, ...at, schema: [], user: null }
    local.meet({ type: "welcome", ...begin, ...welcome })
  }
  /** The positions of a push of all that may be sent now, or its answer without one. */
  const push = async (reply?: MutationsReply) => {
    if (reply !== undefined) answers.push(reply)
    const before = server.received.length
    const next = await local.pushMutations(link)
    const [sent] = server.received.slice(before) as SyncMutations[]
    return sent === undefined ? next : ([sent.batch.from, sent.batch.entries.length, next] as const)
  }
  const pull = async (pages: Pages | Chunk, epoch = "e") => {
    answers.push(pages)
    await local.rebase(link, epoch)
  }
  /** The chain's hash at the first mutation: what the batch behind it says. */
  const hashAtFirst = async () => {
    await push({ type: "cursor", lsn: lsn(1) })
    await push({ type: "cursor", lsn: lsn(1) })
    return (server.received.at(-1) as SyncMutations).batch.previousHash
  }
  const say: Say = (message) => sayLater(message)
  return { server, local, disk, link, answers, meet, push, pull, hashAtFirst, say }
}

/** The same with a base in which the first of two mutations is applied. */
async function withBase(disk = new MemoryDisk()) {
  const scene = await setUp(2, disk)
  scene.meet()
  const hash = await scene.hashAtFirst()
  const document = await ServerDocument.open()
  document.apply(scene.local.clientId, 1, hash)
  const [{ uid: applied }] = scene.local.pending()
  await scene.pull(document.whole(5))
  return { ...scene, document, hash, applied }
}

async function open(disk: MemoryDisk): Promise<Local> {
  const { host } = new ScriptedServer()
  return new Local({ opened: await disk.open("d"), module: await loadSqlite(), mutator, host, user: null })
}

/** Pages that add up and are no database. */
function garbage(position: Lsn): Chunk {
  return wholeOf([new Uint8Array(PAGE_BYTES).fill(7)], position)
}

/** A database whose first page is intact and whose others are not. */
async function damaged(position: number): Promise<Chunk> {
  const [first, ...others] = pagesOf((await ServerDocument.open()).whole(position))
  return wholeOf([first, ...others.map((page) => page.slice().fill(7))], position)
}

function pagesOf({ block, count }: Chunk): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => block.slice(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
}

/** The base that a whole transfer is, as it is received. */
function baseOf(whole: Chunk): WholeBase {
  const table = new PageTable()
  table.load(pagesOf(whole))
  return { table, pageCount: whole.pageCount, checksum: whole.checksum }
}

test("pages that were pulled are durable 50 ms later, or with the mutation that comes before", async () => {
  let syncs = 0
  const disk = new MemoryDisk(async () => void syncs++)
  const { local, document, server, pull } = await withBase(disk)
  await server.pass(100)
  syncs = 0
  await pull(document.next(6))
  expect([local.cursor, syncs]).toEqual([6, 0])
  await local.run("Add", { id: "9", title: "nine" }).durable
  await server.pass(100)
  expect(syncs).toBe(1)
  await pull(document.next(7))
  await server.pass(49)
  expect(syncs).toBe(1)
  await server.pass(1)
  expect(syncs).toBe(2)
  await pull(document.next(8))
  await local.close()
  expect((await open(disk)).cursor).toBe(8)
})

describe("a document on this device", () => {
  test("says what is pending, by position, and where its base stands", async () => {
    const { local } = await setUp(3)
    const { clientId } = local
    expect([local.epoch, local.cursor, local.base.pageCount, local.isDurable]).toEqual(["", 0, 0, true])
    expect(local.pendingRange).toEqual({ clientId, start: 0, lsn: 3 })
    expect(local.pendingAfter(lsn(1)).map(({ args }) => args)).toMatchObject([{ id: "2" }, { id: "3" }])
    expect(local.pending().length).toBe(3)
    const scene = await withBase()
    expect([scene.local.epoch, scene.local.cursor, scene.local.pendingCount]).toEqual(["e", 5, 1])
    expect(scene.local.pendingRange).toMatchObject({ start: 1, lsn: 2 })
  })

  test("what is durable is there after a crash; `durable` does not resolve earlier (I3)", async () => {
    let isStuck = false
    const disk = new MemoryDisk(() => (isStuck ? new Promise(() => {}) : Promise.resolve()))
    const { local, server } = await setUp(1, disk)
    isStuck = true
    let isDurable = false
    void local.run("Add", { id: "9", title: "t9" }).durable.then(() => {
      isDurable = true
    })
    await server.pass(0)
    expect([isDurable, titles(local)]).toEqual([false, ["t1", "t9"]])
    disk.crash()
    isStuck = false
    expect(titles(await open(disk))).toEqual(["t1"])
  })

  test("knows a uid while it is pending, when it is decided, and after a restart (T28)", async () => {
    const { local, disk, pull, document, hash, applied } = await withBase()
    const [{ uid: pending }] = local.pending()
    const receipt = local.follow(pending)
    expect(local.follow(pending)).toBe(receipt)
    const { uid } = local.run("Add", { id: "3", title: "t3" })
    expect([local.isKnown(pending), local.isKnown(uid), local.isKnown("other")]).toEqual([true, true, false])
    document.apply(local.clientId, 1, hash)
    await pull(document.whole(6))
    await local.close()
    const again = await open(disk)
    expect([pending, applied, "other"].map((one) => again.isKnown(one))).toEqual([true, true, false])
    expect(again.run("Add", { id: "1", title: "again" }, pending).uid).toBe(pending)
    expect(again.pendingCount).toBe(2)
  })

  test("calls watchers after each change but rows, and with each rejection that comes or goes", async () => {
    const { local, disk } = await setUp(0)
    let count = 0
    const changes: RejectionChange[] = []
    const stop = local.watch(
      () => count++,
      (change) => changes.push(change),
    )
    const stopOther = local.watch(() => {})
    local.run("Add", { id: "1", title: "t1" })
    expect(count).toBe(1)
    await local.adopt([rejection, { ...rejection, uid: "v" }])
    await local.adopt([rejection])
    expect([count, changes.length, local.rejections.length]).toEqual([3, 2, 2])
    await local.dismiss("u")
    expect([count, changes.at(-1)]).toEqual([4, { type: "dismissed", uid: "u" }])
    stop()
    stopOther()
    await local.adopt([{ ...rejection, uid: "w" }])
    expect([count, changes.length]).toEqual([4, 3])
    const stopLast = local.watch(() => count++)
    local.fail(new Error("it broke"))
    local.fail(new Error("it broke"))
    expect(count).toBe(5)
    stopLast()
    disk.crash()
    expect((await open(disk)).rejections.map(({ uid }) => uid)).toEqual(["v", "w"])
  })

  test("shows a subscriber what a mutation changed", async () => {
    const { local } = await setUp(0)
    const types: string[] = []
    const { stop } = local.subscribe(sql`select * from todos`, ({ type }) => types.push(type))
    local.run("Add", { id: "1", title: "t1" })
    stop()
    local.run("Add", { id: "2", title: "t2" })
    expect(types).toEqual(["rows", "patch"])
  })
})

describe("a document that stopped", () => {
  test("keeps its first error, runs and pushes and takes nothing more (T19)", async () => {
    const { local, link, meet, pull, server } = await setUp(1)
    const { clientId } = local
    expect(local.failure).toBeNull()
    expect(local.fail(new Error("it broke"))).toMatchObject({ code: "DOC_STOPPED", message: "it broke" })
    expect(local.fail(new LfError("LOG_FULL", "later"))).toMatchObject({ code: "LOG_FULL" })
    expect(local.failure).toMatchObject({ code: "DOC_STOPPED" })
    expect(() => local.run("Add", { id: "2", title: "t2" })).toThrow(codeOf("DOC_STOPPED"))
    await expect(local.pushMutations(link)).rejects.toThrow(codeOf("DOC_STOPPED"))
    await expect(pull((await ServerDocument.open()).whole(5))).rejects.toThrow(codeOf("DOC_STOPPED"))
    meet({ clientLsn: lsn(0), clientHash: 9n })
    expect([local.cursor, local.clientId === clientId, server.count("sync-mutations")]).toEqual([0, true, 0])
  })

  test("is one whose disk fails: waits for it to be durable reject with the reason (T19)", async () => {
    const { local, disk } = await setUp(1)
    disk.failNext(new LfError("LOG_FULL", "no room"))
    await expect(local.run("Add", { id: "2", title: "t2" }).durable).rejects.toThrow(codeOf("LOG_FULL"))
    expect(local.failure).toMatchObject({ code: "LOG_FULL" })
  })

  test("by a close says so, and why if it had stopped before", async () => {
    const { local } = await setUp(1)
    await local.close()
    expect(local.failure).toMatchObject({ code: "LOG_CLOSED", message: "the document was closed on this device" })
    expect(() => local.run("Add", { id: "2", title: "t2" })).toThrow(codeOf("LOG_CLOSED"))
    await expect(local.reads.read(sql`select 1`)).rejects.toThrow(codeOf("LOG_CLOSED"))
    const { local: other } = await setUp(1)
    other.fail(new LfError("LOG_FULL", "no room"))
    await other.close()
    expect(other.failure).toMatchObject({ code: "LOG_FULL" })
  })
})

describe("a meeting with the server", () => {
  test("goes on where its copy ends, or asks it where the two differ (T1)", async () => {
    const { meet, push, hashAtFirst } = await setUp(3)
    meet()
    const hash = await hashAtFirst()
    meet()
    expect(await push({ type: "cursor", lsn: lsn(2) })).toEqual([0, 3, "later"])
    meet({ clientLsn: lsn(1), clientHash: hash })
    expect(await push({ type: "cursor", lsn: lsn(1) })).toEqual([1, 2, "later"])
    meet({ clientLsn: lsn(1), clientHash: hash + 1n })
    expect(await push()).toEqual([0, 3, "more"])
    expect(await push()).toBe("nothing")
  })

  test("goes on under a new id where the server has what this device never had (T1)", async () => {
    const { meet, local } = await setUp(0)
    const { clientId } = local
    meet({ clientLsn: lsn(3), clientHash: 3n })
    expect(local.clientId).not.toBe(clientId)
  })

  test("with a restored server pushes nothing before its pages came, then under a new id (T2)", async () => {
    const { meet, push, pull, local } = await withBase()
    const { clientId } = local
    meet({ epoch: "other", clientLsn: lsn(0) })
    expect([await push(), local.clientId === clientId, local.cursor]).toEqual(["nothing", true, 0])
    expect(titles(local)).toEqual(["t2"])
    await pull((await ServerDocument.open()).whole(3), "other")
    expect([local.clientId === clientId, local.epoch, local.pendingCount]).toEqual([false, "other", 1])
    expect(await push()).toEqual([0, 1, "more"])
  })

  test.each([
    ["is before what this device has", { lsn: lsn(4), checksum: 0n }],
    ["is where this device is, with other pages", { lsn: lsn(5), checksum: 1n }],
  ])("with a server of the same epoch that %s asks for all pages (T2, I5)", async (_name, welcome) => {
    const { meet, push, pull, local, server } = await withBase()
    const { clientId } = local
    meet({ clientLsn: lsn(0), ...welcome })
    expect([await push(), local.clientId === clientId, local.cursor]).toEqual(["nothing", true, 0])
    expect(titles(local)).toEqual(["t2"])
    await pull((await ServerDocument.open()).whole(4))
    expect(server.received.at(-1)).toMatchObject({ type: "sync-storage", cursor: 0 })
    expect([local.clientId === clientId, local.cursor, local.pendingCount]).toEqual([false, 4, 1])
    expect(await push()).toEqual([0, 1, "more"])
  })

  test("with a restored server that still has all that was dropped goes on (T2)", async () => {
    const { meet, push, local, hash } = await withBase()
    const { clientId } = local
    meet({ epoch: "other", clientLsn: lsn(1), clientHash: hash })
    expect([await push(), local.clientId === clientId]).toEqual([[1, 1, "more"], true])
  })

  test("with the same server that lacks what was dropped goes on under a new id at once (T2)", async () => {
    const { meet, push, local } = await withBase()
    const { clientId } = local
    meet({ clientLsn: lsn(0) })
    expect([local.clientId === clientId, local.pendingCount, titles(local)]).toEqual([false, 1, ["t2"]])
    await local.dismiss("what is not there")
    expect(await push()).toEqual([0, 1, "more"])
  })

  test("an answer to a push of before the new id says nothing of the new timeline (T1)", async () => {
    const { meet, push, local, link, answers, say, server } = await withBase()
    answers.push("later")
    const pushed = local.pushMutations(link)
    await server.pass(0)
    meet({ clientLsn: lsn(0) })
    await local.dismiss("what is not there")
    say({ type: "cursor", lsn: lsn(2) })
    expect(await pushed).toBe("more")
    expect(await push()).toEqual([0, 1, "more"])
  })
})

describe("a base that comes", () => {
  test("with a row of ours decides what is pending, and what was pushed is not pushed again (I9)", async () => {
    const { local, push, pull, document, hash } = await withBase()
    expect(await push()).toEqual([1, 1, "more"])
    document.apply(local.clientId, 1, hash)
    await pull(document.whole(6))
    expect([await push(), local.pendingCount]).toEqual(["nothing", 1])
  })

  test("with another client's row under our id asks the server where the two differ (T1)", async () => {
    const { local, meet, push, pull } = await setUp(3)
    meet()
    expect(await push()).toEqual([0, 3, "more"])
    const document = await ServerDocument.open()
    document.apply(local.clientId, 1, 99n)
    await pull(document.whole(4))
    expect(await push()).toEqual([1, 2, "more"])
  })

  test("for other pages is refused; the old base stays in view and all is fetched again (I5)", async () => {
    const { local, pull, document, server } = await withBase()
    const pages = document.whole(7)
    const changeset = { pageCount: 9, isWhole: false, before: 1n, after: 2n, pages: [] }
    const part = { from: lsn(5), to: lsn(7), isLast: true, bytesTotal: 0, outcomes: [] }
    for (const wrong of [
      { type: "pages" as const, ...part, changeset },
      { ...pages, checksum: 2n },
    ]) {
      await expect(pull(wrong)).rejects.toThrow(codeOf("CHECKSUM_MISMATCH"))
      expect([local.cursor, local.epoch, titles(local), local.failure]).toEqual([0, "e", ["t2"], null])
    }
    await pull(pages)
    expect(server.received.at(-1)).toMatchObject({ type: "sync-storage", cursor: 0 })
    expect(local.cursor).toBe(7)
  })

  test("that is no database is dropped at once; pending mutations stay visible (S11)", async () => {
    const { local, pull, push, meet } = await setUp(2)
    meet()
    for (const pages of [garbage(lsn(4)), await damaged(4)]) {
      await expect(pull(pages)).rejects.toThrow(codeOf("SQL_CORRUPT"))
      expect([local.cursor, local.epoch, local.base.pageCount, titles(local)]).toEqual([0, "", 0, ["t1", "t2"]])
    }
    expect(local.run("Add", { id: "3", title: "t3" }).uid).toBeDefined()
    await pull((await ServerDocument.open()).whole(5))
    expect([local.cursor, titles(local), await push()]).toEqual([5, ["t1", "t2", "t3"], [0, 3, "more"]])
  })

  test("with an edited migration is refused, and the old base stays (T15)", async () => {
    const { local, pull } = await setUp(1)
    const document = await ServerDocument.open()
    document.db.exec("update __lf_migrations set hash = 'other'")
    await expect(pull(document.whole(4))).rejects.toThrow(codeOf("MIGRATION_EDITED"))
    expect([local.cursor, local.base.pageCount > 0]).toEqual([0, true])
  })

  test("and is at rest as no database is dropped at the next start; an edited one ends it (S11)", async () => {
    const edited = await ServerDocument.open()
    edited.db.exec("update __lf_migrations set hash = 'other'")
    for (const pages of [garbage(lsn(4)), await damaged(4), edited.whole(4)]) {
      const { local, disk, server } = await setUp(1)
      await local.close()
      const store = new LocalStore(await disk.open("d"), server.host)
      store.receiveBase({ epoch: "e", cursor: lsn(4), base: baseOf(pages) })
      await store.flush()
      await store.streams.close()
      if (pages.checksum === edited.whole(4).checksum)
        await expect(open(disk)).rejects.toThrow(codeOf("MIGRATION_EDITED"))
      else {
        const again = await open(disk)
        expect([again.cursor, again.epoch, titles(again)]).toEqual([0, "", ["t1"]])
      }
    }
  })
})
