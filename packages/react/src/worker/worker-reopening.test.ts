import { LfError } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import { adding, itemsQuery, type SceneTab, WorkerScene } from "../testing/worker-scene.ts"

beforeAll(loadChecksum)

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBeTruthy(), { timeout: 5_000, interval: 2 })
}
/** All that is under way and needs no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}
const isOpen = (tab: SceneTab) => () => tab.state?.isOpen
const full = new LfError("LOG_FULL", "the disk is full")

async function idsAt(tab: SceneTab): Promise<unknown> {
  tab.say({ type: "query", call: 99, ...itemsQuery })
  await until(() => tab.last("answer")?.call === 99)
  const rows = (tab.last("answer")?.value ?? []) as { id: string }[]
  return rows.map(({ id }) => id)
}

describe("a document that cannot be opened for a reason that may pass", () => {
  test("is opened again after half a minute; its tabs come back and are served", async () => {
    const scene = new WorkerScene()
    scene.failures.push(full)
    const tab = scene.tab()
    await until(() => tab.state?.error?.code === "LOG_FULL")
    scene.pass(29_999)
    await settled()
    expect(tab.count("restarting")).toBe(0)
    scene.pass(1)
    await until(() => tab.count("restarting") === 1)
    const again = scene.tab({ connection: 2 })
    again.say(adding("1"))
    await until(() => again.count("mutated") === 1)
    expect(again.last("mutated")?.error).toBe(null)
    scene.pass(60_000)
    await settled()
    expect(again.count("restarting")).toBe(0)
  })

  test("is opened again as soon as a tab is loaded; the other tabs come back", async () => {
    const scene = new WorkerScene()
    scene.failures.push(full)
    const tab = scene.tab()
    await until(() => tab.state?.error?.code === "LOG_FULL")
    const loaded = scene.tab({ tab: "u" })
    await until(isOpen(loaded))
    expect([tab.count("restarting"), loaded.count("restarting")]).toEqual([1, 0])
    scene.pass(30_000)
    await settled()
    expect([scene.opened, loaded.count("restarting")]).toEqual([2, 0])
  })

  test("is not opened again for a reason that stays", async () => {
    const scene = new WorkerScene()
    scene.failures.push(new LfError("LOG_FORMAT_NEWER", "a newer build wrote it"))
    const tab = scene.tab()
    await until(() => tab.state?.error?.code === "LOG_FORMAT_NEWER")
    const loaded = scene.tab({ tab: "u" })
    scene.pass(60_000)
    await settled()
    expect([scene.opened, tab.count("restarting"), loaded.count("restarting")]).toEqual([1, 0, 0])
    expect(loaded.state).toMatchObject({ status: "needs-update", isOpen: false })
  })
})

describe("a document that stops while it is open (I21)", () => {
  async function openTab(scene: WorkerScene, connection: number): Promise<SceneTab> {
    const tab = scene.tab({ connection })
    await until(isOpen(tab))
    return tab
  }

  test("is opened again at once; one that stops again within five seconds waits for five", async () => {
    const scene = new WorkerScene()
    const first = await openTab(scene, 1)
    scene.endLog(full)
    expect(first.count("restarting")).toBe(0)
    scene.pass(0)
    await until(() => first.count("restarting") === 1)
    const second = await openTab(scene, 2)
    scene.pass(5_000)
    scene.endLog(full)
    scene.pass(4_999)
    await settled()
    expect(second.count("restarting")).toBe(0)
    scene.pass(1)
    await until(() => second.count("restarting") === 1)
    const third = await openTab(scene, 3)
    scene.pass(5_001)
    scene.endLog(full)
    scene.pass(0)
    await until(() => third.count("restarting") === 1)
    expect(scene.opened).toBe(3)
  })

  test("and was closed for want of tabs meanwhile has not stopped before", async () => {
    const scene = new WorkerScene()
    const first = await openTab(scene, 1)
    scene.endLog(full)
    scene.pass(0)
    await until(() => first.count("restarting") === 1)
    const second = await openTab(scene, 2)
    second.say({ type: "close" })
    scene.pass(2_000)
    await until(() => scene.owned.size === 0)
    const third = await openTab(scene, 3)
    scene.endLog(full)
    scene.pass(0)
    await until(() => third.count("restarting") === 1)
  })
})

describe("a document that is cleared (H1)", () => {
  test("is opened anew for every tab of it, without what it held", async () => {
    const scene = new WorkerScene()
    const tabs = [scene.tab(), scene.tab({ tab: "u" })]
    tabs[0].say(adding("1"))
    await until(() => tabs[0].count("mutated") === 1)
    tabs[0].say({ type: "clear", call: 1, pending: "discard" })
    await until(() => tabs.every((tab) => tab.count("restarting") === 1))
    expect(tabs[0].last("answer")).toEqual({ type: "answer", call: 1, value: null, error: null })
    expect(await idsAt(scene.tab({ connection: 2 }))).toEqual([])
    expect(scene.opened).toBe(2)
  })

  test("of 1,001 clears of a tab the first is forgotten, and done when it is asked again (I17)", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    const clear = (call: number) => ({ type: "clear" as const, call, pending: "discard" as const })
    for (let call = 1; call <= 1_001; call++) tab.say(clear(call))
    await until(() => tab.count("answer") === 1_001)
    const again = scene.tab({ connection: 2 })
    again.say(adding("behind"))
    await until(() => again.count("mutated") === 1)
    again.say(clear(2), clear(1_001))
    await until(() => again.count("answer") === 2)
    expect([await idsAt(again), again.count("restarting")]).toEqual([["behind"], 0])
    again.say(clear(1))
    await until(() => again.count("restarting") === 1)
    expect(await idsAt(scene.tab({ connection: 3 }))).toEqual([])
  })

  test("of one tab's call is not taken for another tab's call of the same number", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    tab.say({ type: "clear", call: 1, pending: "discard" })
    await until(() => tab.count("restarting") === 1)
    const other = scene.tab({ tab: "u" })
    other.say(adding("1"))
    await until(() => other.count("mutated") === 1)
    other.say({ type: "clear", call: 1, pending: "discard" })
    await until(() => other.count("restarting") === 1)
    expect(await idsAt(scene.tab({ connection: 2 }))).toEqual([])
  })
})

describe("in development", () => {
  test("a worker that is older than the page closes its documents, sends its tabs away and ends", async () => {
    const scene = new WorkerScene()
    const tabs = [scene.tab(), scene.tab({ doc: "e", tab: "u" })]
    await until(() => tabs.every((tab) => tab.state?.isOpen))
    tabs[0].say({ type: "restart", sinceMs: 1_001 })
    await until(() => scene.ended === 1)
    expect([scene.owned.size, ...tabs.map((tab) => tab.count("restarting"))]).toEqual([0, 1, 1])
    const again = scene.tab({ connection: 2 })
    await until(isOpen(again))
    expect(scene.opened).toBe(3)
  })

  test("a worker that is as old as the page goes on", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    await until(isOpen(tab))
    tab.say({ type: "restart", sinceMs: 1_000 })
    await settled()
    expect([scene.ended, scene.owned.size, tab.count("restarting")]).toEqual([0, 1, 0])
  })
})
