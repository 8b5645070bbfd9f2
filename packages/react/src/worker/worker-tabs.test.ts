import { loadChecksum } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import { adding, itemsQuery, itemsServer, SceneTab, WorkerScene } from "../testing/worker-scene.ts"

beforeAll(loadChecksum)

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBeTruthy(), { timeout: 5_000, interval: 2 })
}
/** All that is under way and needs no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}
const isOpen = (tab: SceneTab) => () => tab.state?.isOpen
const anonymousLock = "lf/1/owner/anonymous/d"
const anns = "lf/1/owner/user/3/ann/d"

describe("a tab that connects", () => {
  test("is sent that the worker is alive and its lock, before it opens a document", async () => {
    const tab = new SceneTab(new WorkerScene().worker)
    expect(tab.received).toEqual([{ type: "alive" }])
    await settled()
    expect(tab.received).toEqual([{ type: "alive" }, { type: "life", lock: "lf/1/life/worker" }])
  })

  test("is answered every ping, also before it opens a document and while that opens (T28)", () => {
    const tab = new SceneTab(new WorkerScene().worker)
    tab.say({ type: "ping", hasOpened: false })
    tab.open({ doc: "d", tab: "t" })
    tab.say({ type: "ping", hasOpened: true })
    expect([tab.count("pong"), tab.count("restarting")]).toEqual([2, 0])
  })

  test("is not served before it opens a document: neither its lock nor its end means anything", async () => {
    const { worker, watched } = new WorkerScene()
    const tab = new SceneTab(worker)
    tab.say({ type: "life", lock: "lf/1/life/t" }, { type: "close" })
    await settled()
    expect([tab.count("restarting"), watched.size, worker.tabCount]).toEqual([0, 0, 0])
  })

  test.each([adding("lost"), { type: "ping", hasOpened: true } as const])(
    "at the port of another worker, which had its `open`, is sent a restart: a $type is not lost (T28)",
    async (message) => {
      const { worker } = new WorkerScene()
      const tab = new SceneTab(worker)
      tab.say(message)
      await settled()
      expect([tab.count("restarting"), tab.count("mutated"), tab.count("pong"), worker.tabCount]).toEqual([1, 0, 0, 0])
    },
  )

  test("counts with its queries until it leaves, and is served no more then (H5)", async () => {
    const { worker } = new WorkerScene()
    const tabs = ["d", "e"].map((doc) => new SceneTab(worker).open({ doc, tab: doc }))
    for (const tab of tabs) tab.say({ type: "subscribe", id: 1, ...itemsQuery })
    tabs[0].say({ type: "subscribe", id: 2, sql: "select 1", parameters: [] })
    await until(() => worker.queryCount === 3)
    expect(worker.tabCount).toBe(2)
    tabs[0].say({ type: "close" }, { type: "close" })
    expect([worker.tabCount, worker.queryCount, tabs[0].isClosed, tabs[1].isClosed]).toEqual([1, 1, true, false])
    tabs[0].say(adding("late"))
    tabs[1].say(adding("late"))
    await until(() => tabs[1].count("mutated") === 1)
    expect(tabs[0].count("mutated")).toBe(0)
  })

  test("that opens another document at the same port has left the one before", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    await until(isOpen(tab))
    tab.open({ doc: "e", connection: 2 })
    await until(() => scene.owned.size === 2)
    expect(scene.worker.tabCount).toBe(1)
    scene.pass(2_000)
    await until(() => scene.owned.size === 1)
    expect([...scene.owned]).toEqual(["lf/1/owner/anonymous/e"])
  })

  test("anew is served at its new port alone; what its old port says at the end does not end it", async () => {
    const scene = new WorkerScene()
    const old = scene.tab({ connection: 1 })
    const now = scene.tab({ connection: 2 })
    expect([scene.worker.tabCount, old.isClosed, now.isClosed]).toEqual([1, true, false])
    old.say({ type: "close" })
    expect(scene.worker.tabCount).toBe(1)
    scene.tab({ connection: 3 })
    expect([scene.worker.tabCount, now.isClosed]).toEqual([1, true])
  })

  test("with an older number than its newest is ignored; with the same number it is served (I9)", async () => {
    const scene = new WorkerScene()
    scene.tab({ connection: 2 })
    const same = scene.tab({ connection: 2 })
    const older = scene.tab({ connection: 1 })
    older.say(adding("older"))
    same.say(adding("same"))
    await until(() => same.count("mutated") === 1)
    expect([older.count("state"), older.count("mutated")]).toEqual([0, 0])
  })

  test("of 1,000 tabs the last number is known; the longest unseen is forgotten (I17)", async () => {
    const scene = new WorkerScene()
    for (const tab of ["first", "second"]) scene.tab({ tab, connection: 5 }).say({ type: "close" })
    scene.tab({ tab: "first", connection: 6 }).say({ type: "close" })
    for (let i = 0; i < 999; i++) scene.tab({ tab: `t${i}`, connection: 5 }).say({ type: "close" })
    const [first, second] = ["first", "second"].map((tab) => scene.tab({ tab, connection: 1 }))
    await until(() => second.count("state") > 0)
    expect(first.count("state")).toBe(0)
  })

  test("makes a document that is open try its server at once, at the address that it says", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    await until(() => scene.tries === 1 && tab.state?.status === "offline")
    scene.tab({ tab: "u" })
    await until(() => scene.tries === 2)
    expect(scene.urls).toEqual(["http://localhost/api/lf"])
    scene.tab({ tab: "v", url: "https://elsewhere/lf" })
    await until(() => scene.tries > 2)
    expect([scene.urls.at(-1), scene.opened]).toEqual(["https://elsewhere/lf", 1])
  })
})

describe("a tab's own lock", () => {
  test("that is free ends the tab's session, and the tab is sent a restart (T28)", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    tab.say({ type: "life", lock: "a" })
    tab.say({ type: "life", lock: "b" })
    expect([...scene.watched.keys()]).toEqual(["b"])
    scene.watched.get("b")?.()
    expect([tab.count("restarting"), scene.worker.tabCount, tab.isClosed, scene.watched.size]).toEqual([1, 0, true, 0])
  })

  test("is watched no more when the tab has left", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    tab.say({ type: "life", lock: "a" }, { type: "close" })
    expect([scene.watched.size, tab.count("restarting")]).toEqual([0, 0])
  })

  test("that was free is not watched again; of 1,001 such locks the first is forgotten (T28, I17)", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    const say = (i: number) => tab.say({ type: "life", lock: `l${i}` })
    for (let i = 0; i < 1_001; i++) {
      say(i)
      scene.watched.get(`l${i}`)?.()
    }
    for (const i of [1, 1_000]) {
      say(i)
      expect(scene.watched.size).toBe(0)
    }
    say(0)
    expect([...scene.watched.keys()]).toEqual(["l0"])
  })
})

describe("a document that no tab shows any more", () => {
  test("stays open for two seconds, then its lock is free; a later tab opens it anew", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    tab.say(adding("1"))
    await until(() => tab.count("mutated") === 1)
    tab.say({ type: "close" })
    scene.pass(1_999)
    await settled()
    expect([...scene.owned]).toEqual([anonymousLock])
    scene.pass(1)
    await until(() => scene.owned.size === 0)
    const again = scene.tab({ connection: 2 })
    again.say({ type: "query", call: 1, ...itemsQuery })
    await until(() => again.last("answer"))
    expect([again.last("answer")?.value, scene.opened]).toEqual([[{ id: "1" }], 2])
  })

  test("goes on when a tab comes in time, or while another tab shows it", async () => {
    const scene = new WorkerScene()
    const [tab, other] = [scene.tab(), scene.tab({ tab: "u" })]
    await until(isOpen(tab))
    tab.say({ type: "close" })
    scene.pass(10_000)
    await settled()
    expect([...scene.owned]).toEqual([anonymousLock])
    other.say({ type: "close" })
    scene.pass(1_000)
    scene.tab({ connection: 2 })
    scene.pass(10_000)
    await settled()
    expect([[...scene.owned], scene.opened]).toEqual([[anonymousLock], 1])
  })
})

describe("an anonymous document while a user has it open (T26)", () => {
  /** Ann's document and the anonymous one, both open, and ann's has a log of its own. */
  async function both() {
    const scene = new WorkerScene()
    const ann = scene.tab({ user: "ann", tab: "ann" })
    ann.say(adding("hers"))
    await until(() => ann.count("mutated") === 1)
    const tab = scene.tab()
    tab.say(adding("anonymous"))
    await until(() => tab.count("mutated") === 1)
    return { scene, ann, tab }
  }

  test("closes as soon as its last tab leaves, and what it holds is the user's", async () => {
    const { scene, ann, tab } = await both()
    expect(ann.state?.pendingCount).toBe(1)
    tab.say({ type: "close" })
    await until(() => ann.state?.pendingCount === 2)
    expect(scene.opened).toBe(2)
  })

  test("is let go of by tabs that do not show it, all of them together", async () => {
    const { scene, tab } = await both()
    const other = scene.tab({ tab: "u" })
    tab.say({ type: "shown", isShown: false })
    expect([tab.count("released"), other.count("released")]).toEqual([0, 0])
    other.say({ type: "shown", isShown: false })
    expect([tab.count("released"), other.count("released")]).toEqual([1, 1])
    await settled()
    expect(scene.owned).toContain(anonymousLock)
  })

  test("that is idle closes at once when a user opens theirs, and one that still waits is dropped", async () => {
    const scene = new WorkerScene()
    const idle = scene.tab()
    await until(isOpen(idle))
    idle.say({ type: "close" })
    const waiting = scene.tab({ doc: "e", tab: "u" })
    waiting.say({ type: "shown", isShown: false })
    await until(isOpen(waiting))
    expect(waiting.count("released")).toBe(0)
    scene.tab({ user: "ann", tab: "ann" })
    await until(() => !scene.owned.has(anonymousLock))
    expect(waiting.count("released")).toBe(0)
    scene.tab({ user: "ann", doc: "e", tab: "ann e" })
    expect(waiting.count("released")).toBe(1)
  })

  test("of another name, and a user's own, stay open for 2 s as ever", async () => {
    const { scene, ann } = await both()
    const other = scene.tab({ doc: "e", tab: "u" })
    const ben = scene.tab({ user: "ben", tab: "ben" })
    await until(isOpen(other))
    // The anonymous document is in use, which ben waits for no longer than this.
    await until(() => scene.owned.has("lf/1/owner/user/3/ben/d") && scene.isArmed(4_000))
    scene.pass(4_000)
    await until(isOpen(ben))
    for (const tab of [other, ben, ann]) tab.say({ type: "shown", isShown: false }, { type: "close" })
    await settled()
    expect([other, ben, ann].map((tab) => tab.count("released"))).toEqual([0, 0, 0])
    expect([...scene.owned].sort()).toEqual(
      ["lf/1/owner/anonymous/e", anns, "lf/1/owner/user/3/ben/d", anonymousLock].sort(),
    )
  })
})

describe("what a document says", () => {
  test("reaches every tab of it: its state, what was rejected, and what went wrong in the worker", async () => {
    const scene = new WorkerScene(await itemsServer())
    const tabs = [scene.tab(), scene.tab({ tab: "u" })]
    const apart = scene.tab({ doc: "e", tab: "v" })
    tabs[0].say(adding("bad"))
    await until(() => tabs.every((tab) => tab.last("rejected")?.change.type === "change"))
    for (const tab of tabs) {
      expect(tab.last("rejected")?.change).toMatchObject({ added: [{ code: "not-welcome" }], removed: [] })
      expect(tab.state).toMatchObject({ isOpen: true, status: "connected" })
    }
    expect(apart.last("rejected")?.change).toEqual({ type: "all", items: [] })
    scene.worker.postUncaught(new TypeError("a bug"))
    for (const tab of [...tabs, apart])
      expect(tab.last("uncaught")).toMatchObject({ error: { code: "WORKER_FAILED", message: "a bug" } })
  })

  test("a tab that came before the document opened is sent the stored rejections", async () => {
    const scene = new WorkerScene(await itemsServer())
    const tab = scene.tab()
    tab.say(adding("bad"))
    await until(() => tab.last("rejected")?.change.type === "change")
    tab.say({ type: "close" })
    scene.pass(2_000)
    await until(() => scene.owned.size === 0)
    const again = scene.tab({ connection: 2 })
    await until(() => again.count("rejected") === 2)
    const changes = again.received.flatMap((message) => (message.type === "rejected" ? [message.change] : []))
    expect(changes).toMatchObject([
      { type: "all", items: [] },
      { type: "all", items: [{ code: "not-welcome" }] },
    ])
  })

  test("its question for a token reaches a tab; a late answer makes it try again (T42)", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab({ hasAuth: true })
    await until(() => tab.last("token-wanted")?.ask === 1)
    scene.pass(10_000)
    await until(() => tab.state?.status === "needs-auth")
    expect([scene.tries, tab.count("token-wanted")]).toEqual([0, 1])
    tab.say({ type: "token", ask: 1, answer: { type: "token", token: "t" } })
    await until(() => tab.last("token-wanted")?.ask === 2)
    tab.say({ type: "token", ask: 2, answer: { type: "token", token: "t" } })
    await until(() => scene.tries === 1)
  })

  test("its tabs are sent why a newer build takes over; an older build does not get it (T20)", async () => {
    const scene = new WorkerScene()
    const tabs = [scene.tab(), scene.tab({ tab: "u" })]
    await until(isOpen(tabs[0]))
    expect(scene.onAsked(0)).toBe(false)
    expect(scene.onAsked(1)).toBe(true)
    await until(() => tabs.every((tab) => tab.count("ended") === 1))
    expect(tabs[1].last("ended")?.error.code).toBe("WORKER_REPLACED")
    expect(scene.owned.size).toBe(0)
  })

  test("its tabs connect again when a worker of the same script serves, since this one was frozen (T21)", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    await until(isOpen(tab))
    expect(scene.onAsked(1, true)).toBe(true)
    scene.pass(0)
    await until(() => tab.count("restarting") === 1)
    await until(() => scene.owned.size === 0)
    expect(tab.count("ended")).toBe(0)
  })
})
