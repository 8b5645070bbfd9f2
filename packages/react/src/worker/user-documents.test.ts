import { LfError } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import type { TabMessage } from "../rpc/protocol.ts"
import { adding, itemsServer, type SceneTab, WorkerScene } from "../testing/worker-scene.ts"
import { SEND_ALL_MS_MAX } from "./user-documents.ts"

beforeAll(loadChecksum)

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBeTruthy(), { timeout: 5_000, interval: 2 })
}

let calls = 0
type Question =
  | { type: "documents" }
  | { type: "send-all" }
  | { type: "sign-out"; pending: "refuse" | "discard" | null }
/** The answer to the tab's question. */
async function ask(tab: SceneTab, question: Question) {
  const call = ++calls
  tab.say({ ...question, call } as TabMessage)
  await until(() => tab.last("answer")?.call === call)
  return tab.last("answer")
}
const answered = async (tab: SceneTab) => {
  const value = (await ask(tab, { type: "documents" }))?.value as { id: string; pending: number }[] // lf's own answer
  return Object.fromEntries(value.map(({ id, pending }) => [id, pending]))
}
async function write(tab: SceneTab, id: string): Promise<void> {
  const before = tab.count("mutated")
  tab.say(adding(id))
  await until(() => tab.count("mutated") > before)
}
/** The tab leaves, and its document is closed. */
async function leave(scene: WorkerScene, tab: SceneTab): Promise<void> {
  const { size } = scene.owned
  tab.say({ type: "close" })
  scene.pass(20_000)
  await until(() => scene.owned.size === size - 1)
}
const of = (user: string | null, doc: string) => ({ user, doc, tab: `${user} ${doc}` })

describe("the documents of a user on this device", () => {
  test("are those open and those closed, each with what it has not sent, and no other user's", async () => {
    const scene = new WorkerScene()
    const [ann, closed, ben, anonymous] = [of("ann", "d"), of("ann", "closed"), of("ben", "d"), of(null, "d")].map(
      (one) => scene.tab(one),
    )
    for (const tab of [ann, closed, closed, ben, anonymous]) await write(tab, `${calls++}`)
    await leave(scene, closed)
    expect(await answered(ann)).toEqual({ d: 1, closed: 2 })
    expect(await answered(ben)).toEqual({ d: 1 })
    expect(await answered(anonymous)).toEqual({ d: 1 })
    expect(scene.owned.size, "reading opens nothing").toBe(3)
  })
})

describe("a sign-out", () => {
  test("counts what was written while its document was opened (T25)", async () => {
    const scene = new WorkerScene()
    const home = scene.tab(of("ann", "home"))
    await until(() => home.state?.isOpen)
    scene.tab(of("ann", "d")).say(adding("early"))
    expect((await ask(home, { type: "send-all" }))?.error?.code).toBe("PENDING_REFUSED")
  })

  test("sends what waits in closed documents first", async () => {
    const { network, remote } = await itemsServer("ann")
    let isUp = false
    const scene = new WorkerScene({
      network: {
        connect: () => (isUp ? network.connect() : Promise.reject(new LfError("SERVER_CLOSING", "no server"))),
      },
    })
    const [home, list] = [scene.tab(of("ann", "home")), scene.tab(of("ann", "d"))]
    await write(list, "kept")
    await leave(scene, list)
    isUp = true
    expect((await ask(home, { type: "send-all" }))?.error).toBe(null)
    expect(await remote.read({ sql: "select id from items", parameters: [] })).toEqual([{ id: "kept" }])
  })

  test(`is refused after ${SEND_ALL_MS_MAX / 1000} s, or at once without a server, and nothing is lost (T25)`, async () => {
    const scene = new WorkerScene({ network: { connect: () => new Promise(() => {}) } })
    const tab = scene.tab(of("ann", "d"))
    await write(tab, "1")
    const asked = ask(tab, { type: "send-all" })
    await until(() => scene.isArmed(SEND_ALL_MS_MAX))
    scene.pass(SEND_ALL_MS_MAX)
    expect((await asked)?.error).toMatchObject({
      code: "PENDING_REFUSED",
      message: expect.stringContaining("1 changes"),
    })

    const offline = new WorkerScene()
    const other = offline.tab(of("ann", "d"))
    await write(other, "1")
    await until(() => other.state?.status === "offline")
    expect((await ask(other, { type: "send-all" }))?.error?.code).toBe("PENDING_REFUSED")
    expect(await answered(other)).toEqual({ d: 1 })
  })

  test("does not wait for a document that is being cleared", async () => {
    const scene = new WorkerScene({
      change: (platform) => ({ ...platform, deleteLog: () => new Promise(() => {}) }),
    })
    const [home, list] = [scene.tab(of("ann", "home")), scene.tab(of("ann", "list"))]
    await write(list, "1")
    list.say({ type: "clear", call: ++calls, pending: "discard" })
    expect((await ask(home, { type: "send-all" }))?.error).toBe(null)
  })

  test("ends every tab of the user, this one last, and deletes open and closed documents of that user alone", async () => {
    const scene = new WorkerScene()
    const [home, list, closed, ben] = [
      of("ann", "home"),
      of("ann", "list"),
      of("ann", "closed"),
      of("ben", "list"),
    ].map((one) => scene.tab(one))
    for (const tab of [home, list, closed, ben]) await write(tab, `${calls++}`)
    await leave(scene, closed)
    const answer = await ask(home, { type: "sign-out", pending: "discard" })
    expect(answer?.error).toBe(null)
    for (const tab of [home, list])
      expect(tab.last("ended")).toMatchObject({ status: "needs-auth", error: { code: "SIGNED_OUT" } })
    expect(home.received.map(({ type }) => type).indexOf("answer")).toBeLessThan(
      home.received.map(({ type }) => type).indexOf("ended"),
    )
    expect(ben.count("ended")).toBe(0)
    expect(await scene.platform.storedKeys()).toEqual(["user/3/ben/list"])
    expect([...scene.owned]).toEqual(["lf/1/owner/user/3/ben/list"])
    // Signed in again: a new document.
    const again = scene.tab({ ...of("ann", "home"), tab: "new" })
    expect(await answered(again)).toEqual({ home: 0 })
  })

  test("keeps a document with changes that were made meanwhile, and says which", async () => {
    const scene = new WorkerScene()
    const [home, list] = [scene.tab(of("ann", "home")), scene.tab(of("ann", "list"))]
    await write(list, "late")
    const answer = await ask(home, { type: "sign-out", pending: "refuse" })
    expect(answer?.error).toMatchObject({ code: "PENDING_REFUSED", message: expect.stringContaining("in list:") })
    expect(await scene.platform.storedKeys()).toEqual(["user/3/ann/list"])
  })

  test("that wipes nothing closes the documents and keeps them", async () => {
    const scene = new WorkerScene()
    const [home, list] = [scene.tab(of("ann", "home")), scene.tab(of("ann", "list"))]
    await write(list, "kept")
    await ask(home, { type: "sign-out", pending: null })
    expect([list.count("ended"), scene.owned.size]).toEqual([1, 0])
    expect([...(await scene.platform.storedKeys())].sort()).toEqual(["user/3/ann/home", "user/3/ann/list"])
  })

  test("of a document that another worker does not let go of is an error with a code", async () => {
    const keeps = (name: string) => name.endsWith("/ann/kept")
    const scene = new WorkerScene({
      change: (platform) => ({
        ...platform,
        storedKeys: async () => ["user/3/ann/kept"],
        own: (name, options) => (keeps(name) ? new Promise(() => {}) : platform.own(name, options)),
      }),
    })
    const tab = scene.tab(of("ann", "home"))
    await until(() => tab.state?.isOpen)
    const asked = ask(tab, { type: "sign-out", pending: "discard" })
    await until(() => scene.isArmed(10_000))
    scene.pass(10_000)
    expect((await asked)?.error?.code).toBe("LOG_OWNED")
    expect(tab.last("ended")?.error.code).toBe("SIGNED_OUT")
  })
})
