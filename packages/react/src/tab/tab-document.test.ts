// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { Add, noted, TabScene } from "../testing/tab-scene.ts"

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const rows = { type: "rows", rows: [], asksClock: false } as const
const decided = (uid: string) => {
  const outcome = { type: "unknown", reason: "forgotten" } as const
  return { type: "decided" as const, outcomes: [{ uid, outcome }] }
}

/** A document that a provider shows, at a live worker. */
function shown() {
  const scene = new TabScene()
  scene.document.use(scene.options())
  const leave = scene.document.retain()
  scene.worker.live()
  return { scene, leave, document: scene.document, worker: scene.worker }
}

/** A mutation that is durable and waits for the server, in a document that nothing shows any more. */
async function following() {
  const { scene, leave, document, worker } = shown()
  const receipt = document.mutate(Add, 1)
  const { uid } = worker.of("mutate")[0]
  worker.say({ type: "mutated", uid, error: null })
  leave()
  await pass(1_000)
  return { scene, document, worker, uid, remote: noted((await receipt).remote) }
}

describe("a tab's document is connected", () => {
  test("by the first call that needs it, which is posted after the opening", () => {
    const scene = new TabScene({ user: "ann" })
    scene.document.use(scene.options())
    expect(scene.workers).toHaveLength(0)
    scene.subscribe()
    expect(scene.worker.posted).toEqual([
      {
        type: "open",
        doc: "d",
        user: "ann",
        url: "http://a/lf",
        hasAuth: false,
        tab: expect.stringMatching(/^[0-9a-f-]{36}$/),
        connection: 1,
      },
      { type: "subscribe", id: 1, sql: "select 1", parameters: [] },
    ])
    scene.document.retain()
    expect(scene.workers).toHaveLength(1)
  })

  test("when a provider, a watcher or a call needs it", () => {
    for (const need of [
      ({ document }: TabScene) => document.retain(),
      ({ document }: TabScene) => document.watch(() => {}),
      ({ document }: TabScene) => void document.requests.dismiss("u").catch(() => {}),
      ({ document }: TabScene) => void document.mutate(Add, 1).catch(() => {}),
      ({ document }: TabScene) => document.setOnline(true),
    ]) {
      const scene = new TabScene()
      scene.document.use(scene.options())
      need(scene)
      expect(scene.worker.types[0]).toBe("open")
    }
  })

  test("by what it is given after something needed it", () => {
    const scene = new TabScene()
    scene.document.retain()
    expect(scene.workers).toHaveLength(0)
    scene.document.use(scene.options())
    expect(scene.workers).toHaveLength(1)
  })

  test("as a render says only until a provider has committed", () => {
    const scene = new TabScene()
    scene.document.offer(scene.options())
    scene.subscribe()
    scene.document.offer(scene.options({ url: "http://b/lf" }))
    const leave = scene.document.retain()
    scene.document.offer(scene.options({ url: "http://c/lf" }))
    expect(scene.workers.map((one) => one.of("open")[0].url)).toEqual(["http://a/lf", "http://b/lf"])
    leave()
    scene.document.offer(scene.options({ url: "http://c/lf" }))
    expect(scene.worker.of("open")[0].url).toBe("http://c/lf")
  })

  test("again at another address, by the newest factory; the worker before is sent the close", () => {
    const { scene, document, worker } = shown()
    document.use(scene.options())
    expect(scene.workers).toHaveLength(1)
    document.use(scene.options({ url: "http://b/lf" }))
    expect([worker.types.at(-1), worker.isClosed, scene.worker.of("open")[0].connection]).toEqual(["close", true, 2])
    expect(scene.worker.of("open")[0].tab).toBe(worker.of("open")[0].tab)
    const other = new TabScene()
    document.use({ ...other.options(), url: "http://c/lf" })
    expect([scene.workers.length, other.workers.length]).toEqual([2, 1])
  })

  test("and says that it can give a token when that changes, not when only the function does", () => {
    const { scene, document, worker } = shown()
    document.use(scene.options({ auth: async () => "a" }))
    document.use(scene.options({ auth: async () => "b" }))
    document.use(scene.options())
    document.use(scene.options())
    expect(worker.of("auth").map(({ hasAuth }) => hasAuth)).toEqual([true, false])
    document.use(scene.options({ auth: async () => "b" }))
    document.use(scene.options({ auth: async () => "b", url: "http://b/lf" }))
    expect(scene.worker.of("open")[0].hasAuth).toBe(true)
  })
})

describe("a document that nothing uses", () => {
  test("is released after a second, and is idle; a component that returns before finds it", async () => {
    const { scene, document, leave, worker } = shown()
    leave()
    await pass(999)
    const again = document.retain()
    await pass(10_000)
    expect([worker.isClosed, scene.received]).toEqual([false, []])
    worker.sayState({ lsn: 7 })
    again()
    await pass(999)
    expect([worker.isClosed, document.known.state.lsn]).toEqual([false, 7])
    await pass(1)
    expect([worker.types.at(-1), worker.isClosed, scene.received]).toEqual(["close", true, ["idle"]])
    expect(document.known.state.lsn).toBe(0)
    document.retain()
    expect(scene.worker.of("open")[0].connection).toBe(2)
  })

  test("goes on as long as any one of a provider, a watcher, a query or a call needs it", async () => {
    const { scene, document, leave, worker } = shown()
    const stop = document.watch(() => {})
    const query = scene.subscribe()
    const call = noted(document.requests.dismiss("u"))
    for (const end of [leave, stop, () => query.stop()]) {
      end()
      await pass(2_000)
      expect(worker.isClosed).toBe(false)
    }
    worker.say({ type: "answer", call: worker.of("dismiss")[0].call, value: null, error: null })
    await pass(1_000)
    expect([call, worker.isClosed]).toEqual([[undefined], true])
  })

  test("gets no more page events", async () => {
    const { scene, leave, worker } = shown()
    leave()
    await pass(1_000)
    document.dispatchEvent(new Event("visibilitychange"))
    window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }))
    expect([worker.of("poke").length, scene.workers.length]).toEqual([0, 1])
  })
})

describe("a document that only waits for the server's decision (H1)", () => {
  test("says that it is not shown, stays connected, and is let go of when the decision has come", async () => {
    const { scene, worker, uid, remote } = await following()
    expect([worker.of("shown"), worker.isClosed, scene.received]).toEqual([
      [{ type: "shown", isShown: false }],
      false,
      ["following"],
    ])
    worker.say(decided(uid))
    await pass(1_000)
    expect([remote.length, worker.isClosed, scene.received.at(-1)]).toEqual([1, true, "idle"])
  })

  test("says so when it is shown again, and says nothing at a new connection then", async () => {
    const { scene, document, worker } = await following()
    worker.say({ type: "restarting" })
    expect(scene.worker.types).toEqual(["open", "shown", "follow"])
    document.retain()
    expect(scene.worker.of("shown").map(({ isShown }) => isShown)).toEqual([false, true])
    scene.worker.live()
    scene.worker.say({ type: "restarting" })
    expect(scene.worker.types).toEqual(["open", "follow"])
  })

  test.each(["its worker", "its page"])("is let go of when %s says so; the decision is unknown", async (who) => {
    const { document, worker, remote } = await following()
    if (who === "its page") document.forgetFollowed()
    else worker.say({ type: "released" })
    await pass(1_000)
    expect([remote, worker.isClosed]).toEqual([[{ type: "unknown", reason: "forgotten" }], true])
  })
})

describe("at a new connection a tab says again", () => {
  test("what is watched, that it is offline, its queries and its calls, with their uids", () => {
    const { scene, document, worker } = shown()
    worker.sayState({ isOnlineWanted: false })
    scene.subscribe()
    document.watchPending(() => {})
    const waiting = noted(document.mutate(Add, { a: 1 }))
    worker.say({ type: "restarting" })
    expect(scene.worker.types).toEqual(["open", "subscribe", "watch-pending", "set-online", "mutate"])
    expect(scene.worker.of("set-online")[0].online).toBe(false)
    expect([scene.worker.of("watch-pending")[0].on, scene.worker.of("mutate")]).toEqual([true, worker.of("mutate")])
    expect(waiting).toEqual([])
  })

  test("nothing of what it does not watch or want", () => {
    const { scene, worker } = shown()
    worker.say({ type: "restarting" })
    expect(scene.worker.types).toEqual(["open"])
  })
})

describe("the page's events", () => {
  test("make the worker try its server, and a page from the cache connects anew (T28)", () => {
    const { scene, worker } = shown()
    document.dispatchEvent(new Event("visibilitychange"))
    expect(worker.of("poke")).toHaveLength(1)
    window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }))
    expect([scene.workers.length, worker.isClosed]).toEqual([2, true])
  })

  test("have a script that could not be loaded asked for at once", () => {
    const { scene, worker } = shown()
    worker.onerror?.()
    expect(scene.workers).toHaveLength(1)
    window.dispatchEvent(new Event("online"))
    expect(scene.workers).toHaveLength(2)
  })
})

describe("a document that no provider has opened (H3)", () => {
  test("refuses calls at once", async () => {
    const { document } = new TabScene()
    const ways = [document.mutate(Add, 1), document.requests.dismiss("u"), document.requests.clear("discard")].map(
      noted,
    )
    await pass(0)
    expect(ways).toEqual([["PROVIDER_MISSING"], ["PROVIDER_MISSING"], ["PROVIDER_MISSING"]])
  })

  test("fails its queries after ten seconds", async () => {
    const scene = new TabScene()
    scene.subscribe()
    await pass(5_000)
    scene.subscribe()
    await pass(4_999)
    expect(scene.results).toEqual([])
    await pass(1)
    const failure = [{ type: "error", error: expect.objectContaining({ code: "PROVIDER_MISSING" }) }, 0]
    expect(scene.results).toEqual([failure, failure])
  })

  test("fails no query that stopped or that a provider came for; a later one has its own ten", async () => {
    const scene = new TabScene()
    const query = scene.subscribe()
    await pass(9_000)
    query.stop()
    await pass(2_000)
    scene.subscribe()
    await pass(9_999)
    expect(scene.results).toEqual([])
    scene.document.use(scene.options())
    scene.worker.live()
    scene.worker.say({ type: "results", results: [{ id: 2, result: rows }] })
    await pass(20_000)
    expect(scene.results).toEqual([[rows, 0]])
  })
})

test("what went wrong in the worker is reported, and so is a document's error, each once (H10)", () => {
  const { scene, worker, document } = shown()
  worker.say({ type: "uncaught", error: { code: "WORKER_FAILED", message: "a bug" } })
  for (let i = 0; i < 2; i++) worker.sayState({ error: { code: "LOG_FULL", message: "full" }, lsn: i })
  expect(scene.received).toEqual(["error WORKER_FAILED", "error LOG_FULL"])
  expect(document.known.state.error?.code).toBe("LOG_FULL")
})
