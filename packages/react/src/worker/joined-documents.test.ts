import { LfError } from "@lf/core"
import { ClientConnection, loadChecksum, MemoryNetwork } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import { browserHost } from "../platform/browser/browser-host.ts"
import { adding, itemsServer, type SceneTab, WorkerScene } from "../testing/worker-scene.ts"
import { OPEN_DOCUMENTS_MAX } from "./document-pool.ts"

beforeAll(loadChecksum)

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBeTruthy(), { timeout: 5_000, interval: 2 })
}
const both = { sql: "select _doc, id from items order by id", parameters: [] }
const resultsOf = (tab: SceneTab) =>
  tab.received.flatMap((message) => (message.type === "results" ? message.results.map(({ result }) => result) : []))
const lastOf = (tab: SceneTab) => resultsOf(tab).at(-1)
const ownersOf = ({ owned }: WorkerScene) => [...owned].map((name) => name.split("/").at(-1)).sort()

describe("a query over several documents", () => {
  test("opens them, has their rows, and closes them after its end (H5)", async () => {
    const scene = new WorkerScene()
    const [tab, other] = [scene.tab(), scene.tab({ doc: "b", tab: "u" })]
    other.say(adding("of b"))
    tab.say({ type: "subscribe", id: 1, ...both, docs: ["a", "b"] })
    await until(() => lastOf(tab)?.type === "rows")
    expect(lastOf(tab)).toMatchObject({ rows: [{ _doc: "b", id: "of b" }] })
    expect(ownersOf(scene)).toEqual(["a", "b", "d"])
    other.say(adding("also of b"))
    await until(() => lastOf(tab)?.type === "patch")
    tab.say({ type: "refresh", id: 1, turn: 1 })
    await until(() => lastOf(tab)?.type === "same")
    tab.say({ type: "unsubscribe", id: 1 })
    other.say({ type: "close" })
    scene.pass(2_000)
    await until(() => scene.owned.size === 1)
    expect(ownersOf(scene)).toEqual(["d"])
  })

  test("goes on after one of them was deleted on this device, or stopped and was opened again", async () => {
    const scene = new WorkerScene()
    const [tab, other] = [scene.tab(), scene.tab({ doc: "b", tab: "u" })]
    other.say(adding("of b"))
    tab.say({ type: "subscribe", id: 1, ...both, docs: ["a", "b"] })
    await until(() => lastOf(tab)?.type === "rows")
    other.say({ type: "clear", call: 1, pending: "discard" })
    await until(() => other.count("answer") === 1)
    await until(() => resultsOf(tab).length === 2)
    expect(lastOf(tab)).toMatchObject({ type: "rows", rows: [] })
    other.open({ doc: "b", tab: "u", connection: 2 })
    other.say(adding("again"))
    await until(() => lastOf(tab)?.type === "patch")
  })

  test("that cannot have one of them is an error that names its reason, until it can", async () => {
    const scene = new WorkerScene()
    scene.failures.push(new LfError("LOG_FULL", "the disk is full"))
    const tab = scene.tab({ doc: "d" })
    await until(() => tab.state?.error?.code === "LOG_FULL")
    tab.say({ type: "subscribe", id: 1, ...both, docs: ["d", "e"] })
    await until(() => lastOf(tab)?.type === "error")
    expect(lastOf(tab)).toMatchObject({ error: { code: "LOG_FULL" } })
    tab.say({ type: "refresh", id: 1, turn: 1 })
    await until(() => lastOf(tab)?.type === "same")
    tab.open({ doc: "d", connection: 2 })
    tab.say({ type: "subscribe", id: 2, ...both, docs: ["d", "e"] })
    await until(() => lastOf(tab)?.type === "rows")
  })

  test("asks the tabs of its own document for the tokens of the others, which have none", async () => {
    const scene = new WorkerScene({ network: (await itemsServer()).network })
    const tab = scene.tab({ hasAuth: true })
    tab.say({ type: "subscribe", id: 1, ...both, docs: ["a", "b"] })
    await until(() => tab.count("token-wanted") === 3)
  })

  test("is FORBIDDEN as long as one of them may not be read, whatever of it is here", async () => {
    let isMember = false
    const { remote } = await itemsServer()
    const network = new MemoryNetwork((pipe) => {
      const admission = {
        authorize: async ({ docId }: { docId: string }) => {
          if (docId === "b" && !isMember) throw new LfError("FORBIDDEN", "not a member")
          return { user: null }
        },
        openDocument: async () => ({ remote, release: () => {} }),
      }
      new ClientConnection({ pipe, host: browserHost, admission })
    })
    const scene = new WorkerScene({ network })
    const [tab, other] = [scene.tab(), scene.tab({ doc: "b", tab: "u" })]
    tab.say({ type: "subscribe", id: 1, ...both, docs: ["a", "b"] })
    await until(() => lastOf(tab)?.type === "error")
    expect(lastOf(tab)).toMatchObject({ error: { code: "FORBIDDEN", message: expect.stringContaining("got b") } })
    isMember = true
    other.say({ type: "poke" })
    scene.pass(60_000)
    await until(() => lastOf(tab)?.type === "rows")
  })

  test("that is wrong is an error of its own, and others over the same documents go on", async () => {
    const scene = new WorkerScene()
    const tab = scene.tab()
    tab.say({ type: "subscribe", id: 1, sql: "select nothing", parameters: [], docs: ["a", "b"] })
    tab.say({ type: "subscribe", id: 2, ...both, docs: ["a", "b"] })
    await until(() => resultsOf(tab).length === 2)
    expect(resultsOf(tab)).toMatchObject([{ type: "error", error: { code: "SQL_ERROR" } }, { type: "rows" }])
  })
})

test(`the document after ${OPEN_DOCUMENTS_MAX} open ones waits; after 30 s that is an error, which ends (I17)`, async () => {
  const scene = new WorkerScene()
  const tabs = Array.from({ length: OPEN_DOCUMENTS_MAX }, (_, i) => scene.tab({ doc: `d${i}`, tab: `t${i}` }))
  await until(() => scene.owned.size === OPEN_DOCUMENTS_MAX)
  const late = scene.tab({ doc: "late", tab: "late" })
  late.say({ type: "subscribe", id: 1, sql: "select id from items", parameters: [] })
  await vi.waitFor(() => expect(scene.isArmed(30_000)).toBe(true))
  scene.pass(30_000)
  await until(() => lastOf(late)?.type === "error")
  expect(lastOf(late)).toMatchObject({ error: { code: "DOCS_OPEN_LIMIT" } })
  // One without a tab is closed at once, not after the time that a reload may take.
  tabs[7].say({ type: "close" })
  const next = scene.tab({ doc: "next", tab: "next" })
  await until(() => lastOf(late)?.type === "rows")
  tabs[8].say({ type: "close" })
  scene.pass(2_000)
  await until(() => next.state?.isOpen)
}, 60_000)
