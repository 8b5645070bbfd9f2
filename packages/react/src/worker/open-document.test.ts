import { LfError, sql } from "@lf/core"
import { deferred, loadChecksum, lsn, type RejectionChange } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import { adding, itemsMutator, itemsServer, type SceneOptions, WorkerScene } from "../testing/worker-scene.ts"
import { OpenDocument } from "./open-document.ts"

beforeAll(loadChecksum)

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBeTruthy(), { timeout: 5_000, interval: 2 })
}
/** All that is under way and needs no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "kept",
    (error: LfError) => error.code,
  )
const full = new LfError("LOG_FULL", "the disk is full")

/** A document on memory, and all notifications to its worker. */
function setUp({ user = null, scene = new WorkerScene() }: { user?: string | null; scene?: WorkerScene } = {}) {
  const received: string[] = []
  const rejections: RejectionChange[] = []
  const open = () =>
    new OpenDocument({
      doc: "d",
      user,
      url: "http://a/lf",
      mutator: itemsMutator,
      platform: scene.platform,
      crashed: new Set(),
      token: async () => null,
      onState: () => received.push("state"),
      onRejection: (change) => rejections.push(change),
      onOpened: () => received.push("opened"),
      onCleared: () => received.push("cleared"),
      onFailed: () => received.push("failed"),
      onReplaced: ({ code }) => received.push(`replaced ${code}`),
    })
  const count = (what: string) => received.filter((one) => one === what).length
  return { document: open(), open, scene, received, rejections, count }
}

const sceneOf = (change: SceneOptions["change"]) => new WorkerScene({ change })

async function add(document: OpenDocument, id: string): Promise<void> {
  const { name, args } = adding(id)
  await (await document.local).run(name, args).durable
}
const idsOf = (document: OpenDocument) =>
  document.use((local) => local.query(sql<{ id: string }>`select id from items`).map(({ id }) => id))

describe("what is known of a document", () => {
  test("before it is open: nothing, and it connects", async () => {
    const { document } = setUp()
    expect(document.state).toEqual({
      status: "connecting",
      error: null,
      isOpen: false,
      isOnlineWanted: true,
      pendingCount: 0,
      lsn: 0,
      isDurable: true,
      isUpToDate: false,
      firstSync: null,
      traffic: { bytesIn: 0, bytesOut: 0, pagesIn: 0, rebases: 0 },
    })
    const { claimed, range, after } = document.pendingParts()
    expect([claimed, range, after(lsn(0))]).toEqual([[], null, []])
    expect([document.rejections, document.queryCount, document.wasOpen, document.canReopen]).toEqual([
      [],
      0,
      false,
      false,
    ])
    await document.local
  })

  test("once it is open: what waits, how far it is, what was rejected, and its queries", async () => {
    const { network } = await itemsServer()
    network.setOnline(false)
    const { document, received, rejections } = setUp({ scene: new WorkerScene({ network }) })
    await add(document, "1")
    await add(document, "bad")
    expect(received.slice(0, 2)).toEqual(["opened", "state"])
    expect(document.state).toMatchObject({ isOpen: true, pendingCount: 2, lsn: 0, isDurable: true, isUpToDate: false })
    const { claimed, range, after } = document.pendingParts()
    expect([claimed, after(range?.start ?? lsn(0)).map(({ args }) => args)]).toEqual([[], ["1", "bad"]])
    await until(() => document.state.status === "offline")
    network.setOnline(true)
    document.poke()
    await until(() => document.state.isUpToDate && document.pendingCount === 0)
    expect(document.state).toMatchObject({ status: "connected", error: null, pendingCount: 0, firstSync: null })
    expect(document.state.lsn).toBeGreaterThan(0)
    expect(document.rejections).toMatchObject([{ code: "not-welcome" }])
    expect(rejections).toMatchObject([{ type: "rejected" }])
    const local = await document.local
    local.subscribe(sql`select id from items`, () => {})
    expect([document.queryCount, document.wasOpen, document.canReopen]).toEqual([1, true, false])
    await document.close()
    expect(document.queryCount).toBe(0)
  })

  test("of a log that outlives nothing: it is not durable", async () => {
    const scene = sceneOf((platform) => ({
      ...platform,
      openLog: async (key) => {
        const opened = await platform.openLog(key)
        return { ...opened, log: { ...opened.log, isDurable: false } }
      },
    }))
    const { document } = setUp({ scene })
    await document.local
    expect(document.state.isDurable).toBe(false)
  })

  test.each([
    ["LOG_FULL", true, "error"],
    ["LOG_FAILED", true, "error"],
    ["LOG_DEPOSED", true, "error"],
    ["SQL_CRASHED", true, "error"],
    ["WORKER_FAILED", true, "error"],
    ["LOG_CORRUPT", false, "error"],
    ["SCHEMA_NEWER", false, "needs-update"],
    ["LOG_FORMAT_NEWER", false, "needs-update"],
  ] as const)("%s: reopening may help or not, and its worker is notified once", async (code, canReopen, status) => {
    const { document, scene, count } = setUp()
    scene.failures.push(new LfError(code, "a reason"))
    expect(await codeOf(document.local)).toBe(code)
    expect(document.state).toMatchObject({ status, error: { code }, isOpen: false })
    expect([document.canReopen, document.wasOpen, count("failed")]).toEqual([canReopen, false, Number(canReopen)])
    expect(await codeOf(document.use(() => {}))).toBe(code)
    expect(scene.owned.size).toBe(0)
    await document.close()
    expect(document.canReopen).toBe(false)
  })

  test("that stopped: it is not open or up to date, and its worker is notified once", async () => {
    const { network } = await itemsServer()
    const { document, scene, count } = setUp({ scene: new WorkerScene({ network }) })
    await until(() => document.state.isUpToDate)
    scene.endLog(full)
    document.setOnline(false)
    document.setOnline(true)
    scene.endLog(full)
    expect(document.state).toMatchObject({
      status: "error",
      error: { code: "LOG_FULL" },
      isOpen: false,
      isUpToDate: false,
    })
    expect([document.canReopen, count("failed")]).toEqual([true, 1])
  })
})

describe("a document that takes long to open", () => {
  const never = new Promise<never>(() => {})

  test("is LOG_OWNED while another worker keeps it for ten seconds, and opens after that (H3)", async () => {
    let letGo = () => {}
    const gate = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const scene = sceneOf((platform) => ({
      ...platform,
      own: async (...args) => gate.then(() => platform.own(...args)),
    }))
    const { document, count } = setUp({ scene })
    const used = codeOf(document.use(() => {}))
    await settled()
    scene.pass(9_999)
    expect([document.state.status, count("state")]).toEqual(["connecting", 0])
    scene.pass(1)
    expect(await used).toBe("LOG_OWNED")
    expect(document.state).toMatchObject({ status: "error", error: { code: "LOG_OWNED" }, isOpen: false })
    expect([count("state"), scene.clock.timers.size, document.canReopen]).toEqual([1, 0, false])
    expect(await codeOf(document.use(() => {}))).toBe("LOG_OWNED")
    letGo()
    await document.local
    expect(document.state).toMatchObject({ isOpen: true, error: null })
    expect(await idsOf(document)).toEqual([])
  })

  test("is WORKER_FAILED after a minute for any other reason (H3)", async () => {
    const scene = sceneOf((platform) => ({ ...platform, loadSqlite: () => never }))
    const { document } = setUp({ scene })
    await until(() => scene.owned.size === 1)
    scene.pass(59_999)
    await settled()
    expect(document.state.error).toBe(null)
    const used = codeOf(document.use(() => {}))
    scene.pass(1)
    expect(await used).toBe("WORKER_FAILED")
    expect([document.state.error?.message, scene.clock.timers.size]).toEqual(["the document is not open after 60 s", 0])
  })

  test("says why it cannot be opened, when that comes late", async () => {
    let fail: (error: LfError) => void = () => {}
    const failing = new Promise<never>((_resolve, reject) => {
      fail = reject
    })
    const scene = sceneOf((platform) => ({ ...platform, loadSqlite: () => failing }))
    const { document, count } = setUp({ scene })
    await until(() => scene.owned.size === 1)
    scene.pass(60_000)
    fail(full)
    await until(() => document.state.error?.code === "LOG_FULL")
    expect([scene.owned.size, count("failed")]).toEqual([0, 1])
  })

  test("and was opened in time has no limit left", async () => {
    const { document, scene } = setUp()
    document.setOnline(false)
    await document.local
    await settled()
    expect(scene.clock.timers.size).toBe(0)
    scene.pass(60_000)
    expect(document.state).toMatchObject({ isOpen: true, error: null })
  })

  test("and is closed meanwhile is never opened, and its lock is free", async () => {
    const { document, scene } = setUp()
    await document.close()
    expect(await codeOf(document.local)).toBe("LOG_CLOSED")
    expect([scene.owned.size, scene.opened, scene.tries]).toEqual([0, 1, 0])
  })

  test("of which a newer worker keeps the lock says that the page must be loaded again (T20)", async () => {
    const newer = new LfError("SCHEMA_NEWER", "newer")
    const { document } = setUp({ scene: sceneOf((platform) => ({ ...platform, own: () => Promise.reject(newer) })) })
    expect(await codeOf(document.local)).toBe("SCHEMA_NEWER")
    expect(document.state.status).toBe("needs-update")
  })
})

describe("a document that is closed", () => {
  test("is flushed, lets go of its lock and its server, and closing it again changes nothing", async () => {
    const { document, scene, open } = setUp()
    await add(document, "1")
    await until(() => scene.tries === 1)
    await Promise.all([document.close(), document.close()])
    expect(scene.owned.size).toBe(0)
    document.poke()
    document.setUrl("http://b/lf")
    scene.pass(60_000)
    await settled()
    expect([scene.tries, scene.urls]).toEqual([1, ["http://a/lf"]])
    const again = open()
    expect(await idsOf(again)).toEqual(["1"])
    await document.close()
    expect(scene.owned.size).toBe(1)
  })

  test("lets go of its lock, though its log cannot be closed", async () => {
    const scene = sceneOf((platform) => ({
      ...platform,
      openLog: async (key) => {
        const opened = await platform.openLog(key)
        return { ...opened, log: { ...opened.log, close: () => Promise.reject(full) } }
      },
    }))
    const { document } = setUp({ scene })
    await document.local
    expect(await codeOf(document.close())).toBe("LOG_FULL")
    expect(scene.owned.size).toBe(0)
  })

  test("is handed over to code that knows as many migrations or more, never to older code (T20)", async () => {
    const { document, scene, received } = setUp()
    await document.local
    expect([scene.onAsked(0), document.state.isOpen]).toEqual([false, true])
    expect(scene.onAsked(1)).toBe(true)
    await until(() => received.includes("replaced WORKER_REPLACED"))
    expect([scene.owned.size, document.canReopen]).toEqual([0, false])
  })

  test("is kept from a worker of the same script while it is opened, and flushed before one has it (T21)", async () => {
    let isKept = false
    const [opening, flushing] = [deferred<void>(), deferred<void>()]
    const scene = sceneOf((platform) => ({
      ...platform,
      openLog: async (key) => {
        await opening.promise
        const opened = await platform.openLog(key)
        const append: typeof opened.log.append = async (records) => {
          await flushing.promise
          await opened.log.append(records)
          isKept = true
        }
        return { ...opened, log: { ...opened.log, append } }
      },
    }))
    const { document } = setUp({ scene })
    await until(() => scene.owned.size === 1)
    expect(scene.onAsked(1, true)).toBe(false)
    opening.resolve()
    const { name, args } = adding("last")
    const receipt = (await document.local).run(name, args)
    const closing = document.close()
    expect(scene.onAsked(1, true)).toBe(true)
    flushing.resolve()
    await Promise.all([receipt.durable, closing])
    expect([isKept, scene.owned.size]).toEqual([true, 0])
  })
})

describe("a document and its server", () => {
  test("stay apart while it is offline, before it is open too, and at another address", async () => {
    const { document, scene, count } = setUp()
    document.setOnline(false)
    expect([document.state.isOnlineWanted, count("state")]).toEqual([false, 1])
    await document.local
    document.setUrl("http://b/lf")
    await settled()
    const { tries } = scene
    document.poke()
    scene.pass(60_000)
    await settled()
    expect([scene.tries, document.state.status]).toEqual([tries, "offline"])
    document.setOnline(true)
    await until(() => scene.tries > tries)
    expect([document.state.isOnlineWanted, scene.urls.at(-1)]).toEqual([true, "http://b/lf"])
  })

  test("meet at another address when its tabs say so, and no more at the one before", async () => {
    const { network } = await itemsServer()
    const { document, scene } = setUp({ scene: new WorkerScene({ network }) })
    document.setUrl("http://b/lf")
    await until(() => document.state.status === "connected")
    document.setUrl("http://b/lf")
    expect(scene.urls).toEqual(["http://b/lf"])
    document.setUrl("http://c/lf")
    expect(document.state.status).toBe("connecting")
    await until(() => document.state.status === "connected")
    network.setOnline(false)
    await until(() => document.state.status === "offline")
    scene.pass(250)
    await settled()
    expect([scene.urls, scene.tries]).toEqual([["http://b/lf", "http://c/lf"], 3])
  })
})

describe("clear (H1)", () => {
  test("is refused while something is pending; to discard it, all of it goes", async () => {
    const deleted: string[] = []
    const scene = sceneOf((platform) => ({
      ...platform,
      deleteLog: async (key) => {
        deleted.push(key)
        await platform.deleteLog(key)
      },
    }))
    const { document, open, count } = setUp({ scene })
    await add(document, "1")
    document.reopen()
    expect(await codeOf(document.clear("refuse"))).toBe("PENDING_REFUSED")
    expect([document.isCleared, await idsOf(document), count("cleared")]).toEqual([false, ["1"], 0])
    await Promise.all([document.clear("discard"), document.clear("refuse")])
    expect([document.isCleared, deleted, scene.owned.size]).toEqual([true, ["anonymous/d"], 0])
    document.reopen()
    expect(count("cleared")).toBe(1)
    const again = open()
    expect(await idsOf(again)).toEqual([])
    await again.clear("refuse")
    expect(deleted).toHaveLength(2)
  })

  test("takes along what its user claimed; what is asked of it meanwhile gets no answer", async () => {
    const deleted: string[] = []
    const scene = sceneOf((platform) => ({ ...platform, deleteLog: async (key) => void deleted.push(key) }))
    const { document } = setUp({ user: "ann", scene })
    await document.local
    const clearing = document.clear("discard")
    await settled()
    let isAnswered = false
    void document.use(() => {
      isAnswered = true
    })
    await clearing
    await settled()
    expect([deleted, isAnswered]).toEqual([["claimed/user/3/ann/d", "user/3/ann/d"], false])
  })
})

describe("a call that is repeated where an anonymous log went to a user (T26)", () => {
  const movedAt = (ms: number | null) => sceneOf((platform) => ({ ...platform, movedMs: async () => ms }))

  test("is neither run nor said to be refused, unless it was made later or its log has it", async () => {
    const { document } = setUp({ scene: movedAt(5_000) })
    const local = await document.local
    const known = adding("1", 4_000)
    await local.run(known.name, known.args, known.uid).durable
    const codeAt = (uid: string) => codeOf(document.use((one) => document.checkNotMoved(one, uid)))
    expect([await codeAt(adding("2", 5_000).uid), await codeAt(adding("2", 5_001).uid)]).toEqual([
      "WORKER_FAILED",
      "kept",
    ])
    expect(await codeAt(known.uid)).toBe("kept")
  })

  test("where none ever went, and in a user's own document, runs", async () => {
    for (const [ms, user] of [
      [null, null],
      [5_000, "ann"],
    ] as const) {
      const { document } = setUp({ user, scene: movedAt(ms) })
      const local = await document.local
      expect(() => document.checkNotMoved(local, adding("1", 4_000).uid)).not.toThrow()
    }
  })
})
