// @vitest-environment jsdom
import { sql } from "@lf/core"
import { IDBFactory } from "fake-indexeddb"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { Add, noted, TabScene } from "../testing/tab-scene.ts"

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  vi.stubGlobal("indexedDB", new IDBFactory())
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const rows = { type: "rows", rows: [], asksClock: false } as const
const failedWith = (code: string) => ({ type: "error", error: expect.objectContaining({ code }) })
const full = { code: "LOG_FULL", message: "full" }

/** A document that a provider shows, at a worker that is alive or not yet. */
function shown({ isAlive = true } = {}) {
  const scene = new TabScene()
  scene.document.use(scene.options())
  const leave = scene.document.retain()
  if (isAlive) scene.worker.live()
  return { scene, leave, document: scene.document, worker: scene.worker }
}

describe("a mutation (H1)", () => {
  test("is posted at once with its arguments of then, and is kept when the worker says so", async () => {
    const { document, worker } = shown()
    const args = { text: "a" }
    const ways = noted(document.mutate(Add, args))
    args.text = "b"
    const [{ uid, ...message }] = worker.of("mutate")
    expect(message).toEqual({ type: "mutate", name: "Add", args: { text: "a" } })
    await pass(0)
    expect(ways).toEqual([])
    worker.say({ type: "mutated", uid, error: null })
    await pass(0)
    expect(ways).toMatchObject([{ uid }])
  })

  test("that the worker refuses is refused with its code", async () => {
    const { document, worker } = shown()
    const ways = noted(document.mutate(Add, 1))
    worker.say({ type: "mutated", uid: worker.of("mutate")[0].uid, error: full })
    await pass(0)
    expect(ways).toEqual(["LOG_FULL"])
  })

  test("whose arguments cannot be sent is refused, with its name, and not posted", async () => {
    const { document, worker } = shown()
    await expect(document.mutate(Add, () => {})).rejects.toMatchObject({
      code: "MUTATION_ARGS_INVALID",
      message: "Add: expected plain data as arguments, got what cannot be sent to the worker",
    })
    expect(worker.of("mutate")).toEqual([])
  })
})

describe("a call (H1)", () => {
  test("is answered with its value; each has a number of its own", async () => {
    const { document, worker } = shown()
    const ways = [
      noted(document.requests.query(sql`select ${1} n`)),
      noted(document.requests.dismiss("u")),
      noted(document.requests.clear("refuse")),
    ]
    const [query, dismiss, clear] = [worker.of("query")[0], worker.of("dismiss")[0], worker.of("clear")[0]]
    expect([query, dismiss, clear]).toEqual([
      { type: "query", call: query.call, sql: "select ? n", parameters: [1] },
      { type: "dismiss", call: dismiss.call, uid: "u" },
      { type: "clear", call: clear.call, pending: "refuse" },
    ])
    worker.say({ type: "answer", call: query.call, value: [{ n: 1 }], error: null })
    worker.say({ type: "answer", call: dismiss.call, value: 7, error: null })
    worker.say({ type: "answer", call: clear.call, value: null, error: full })
    await pass(0)
    expect(ways).toEqual([[[{ n: 1 }]], [undefined], ["LOG_FULL"]])
  })

  test("without an answer for a minute ends with WORKER_FAILED; its worker is looked for meanwhile", async () => {
    const { scene, document, worker } = shown()
    const ways = noted(document.requests.dismiss("u"))
    worker.isSilent = true
    await pass(5_999)
    expect(scene.workers).toHaveLength(1)
    await pass(1)
    expect([scene.workers.length, scene.worker.of("dismiss")]).toEqual([2, worker.of("dismiss")])
    scene.worker.live()
    await pass(53_999)
    expect(ways).toEqual([])
    await pass(1)
    expect(ways).toEqual(["WORKER_FAILED"])
  })

  test("for which nothing waits is not lost either: a worker that dies unseen is replaced (T28)", async () => {
    const { scene, worker } = shown()
    await pass(120_000)
    expect(scene.workers).toHaveLength(1)
    worker.isSilent = true
    await pass(6_000)
    expect(scene.workers).toHaveLength(2)
  })
})

describe("a live query", () => {
  test("gets its results in one delivery, and is waited for until they come (I6)", async () => {
    const { scene, worker } = shown()
    scene.subscribe()
    scene.subscribe()
    worker.say({ type: "results", results: [1, 2].map((id) => ({ id, result: rows })) })
    expect([scene.count("batch"), scene.results]).toEqual([
      1,
      [
        [rows, 0],
        [rows, 0],
      ],
    ])
    await pass(60_000)
    expect(scene.workers).toHaveLength(1)
  })

  test("that is asked to run again is waited for: a silent worker is looked for (H3)", async () => {
    const { scene, worker } = shown()
    const query = scene.subscribe()
    worker.say({ type: "results", results: [{ id: 1, result: rows }] })
    await pass(5_000)
    expect(query.refresh()).toBe(1)
    expect(worker.of("refresh")).toEqual([{ type: "refresh", id: 1, turn: 1 }])
    worker.isSilent = true
    await pass(6_000)
    expect(scene.workers).toHaveLength(2)
  })
})

describe("what waits for the server", () => {
  test("reaches its watchers, from the first to the last", () => {
    const { document, worker } = shown()
    const stops = [document.watchPending(() => {}), document.watchPending(() => {})]
    const pending = { uid: "p", name: "Add", args: 1, at: 1 }
    worker.say({ type: "pending", change: { type: "all", items: [pending] } })
    expect(document.known.pending).toEqual([pending])
    stops[0]()
    expect(document.known.pending).toEqual([pending])
    stops[1]()
    expect([document.known.pending, worker.of("watch-pending").map(({ on }) => on)]).toEqual([[], [true, false]])
  })

  test("and rejections reach their watchers", () => {
    const { document, worker } = shown()
    const watcher = vi.fn()
    const stop = document.watch(watcher)
    const rejection = { uid: "r", code: "no" } as never // all that is handed on
    worker.say({ type: "rejected", change: { type: "all", items: [rejection] } })
    expect([document.known.rejected, watcher.mock.calls.length]).toEqual([[rejection], 1])
    stop()
    worker.sayState({ lsn: 1 })
    expect(watcher).toHaveBeenCalledTimes(1)
  })
})

test("a question for a token is answered by the provider's auth, or that there is none (T42)", async () => {
  const { scene, document, worker } = shown()
  worker.say({ type: "token-wanted", ask: 4 })
  await pass(0)
  document.use(scene.options({ auth: async () => "t" }))
  worker.say({ type: "token-wanted", ask: 5 })
  await pass(0)
  expect(worker.of("token")).toEqual([
    { type: "token", ask: 4, answer: { type: "none" } },
    { type: "token", ask: 5, answer: { type: "token", token: "t" } },
  ])
})

test("a page's wish for a newer worker, and to be offline, are passed on", () => {
  const { document, worker } = shown()
  document.restartWorker(7)
  document.setOnline(false)
  expect(worker.posted.slice(-2)).toEqual([
    { type: "restart", sinceMs: 7 },
    { type: "set-online", online: false },
  ])
})

describe("a worker that does not come (H3)", () => {
  test("is a failure after ten seconds: queries fail, calls wait on; when it comes they go on", async () => {
    const { scene, document } = shown({ isAlive: false })
    const query = scene.subscribe()
    const ways = noted(document.requests.dismiss("u"))
    await pass(10_000)
    expect(document.known.state).toMatchObject({ status: "error", isOpen: false, error: { code: "WORKER_FAILED" } })
    expect([scene.results, ways]).toEqual([[[failedWith("WORKER_FAILED"), 0]], []])
    const late = noted(document.requests.dismiss("u"))
    scene.subscribe()
    query.refresh()
    await pass(0)
    expect(late).toEqual(["WORKER_FAILED"])
    expect(scene.results.slice(1)).toEqual([
      [failedWith("WORKER_FAILED"), 0],
      [failedWith("WORKER_FAILED"), 1],
    ])
    scene.worker.live()
    expect(document.known.state).toMatchObject({ status: "connecting", error: null })
    scene.worker.say({ type: "answer", call: scene.worker.of("dismiss")[0].call, value: null, error: null })
    void document.requests.dismiss("v").catch(() => {})
    await pass(0)
    expect([ways, scene.worker.of("dismiss").at(-1)?.uid]).toEqual([[undefined], "v"])
  })

  test("since its script cannot be loaded ends what no worker was asked, and nothing else", async () => {
    const { scene, document } = shown()
    const asked = noted(document.requests.dismiss("asked"))
    scene.worker.say({ type: "restarting" })
    const unasked = noted(document.mutate(Add, 1))
    for (let i = 0; i < 3; i++) {
      scene.worker.onerror?.()
      await pass(1_000)
    }
    expect([asked, unasked, document.known.state.status]).toEqual([[], ["WORKER_FAILED"], "error"])
  })

  test("in a page that cannot have one ends every call, also what an earlier worker was asked", async () => {
    const { scene, document } = shown()
    const [asked, kept] = [noted(document.requests.dismiss("asked")), noted(document.mutate(Add, 1))]
    scene.document.use({
      ...scene.options({ url: "http://b/lf" }),
      worker: () => {
        throw new TypeError("no")
      },
    })
    await pass(0)
    expect([asked, kept]).toEqual([["WORKER_FAILED"], ["WORKER_FAILED"]])
    expect(document.known.state).toMatchObject({ status: "error", isOpen: false })
  })

  test("leaves the count of what waits on this device to what is stored", async () => {
    const { scene, document, worker } = shown()
    worker.sayState({ pendingCount: 5 })
    for (let i = 0; i < 3; i++) {
      scene.worker.onerror?.()
      await pass(1_000)
    }
    await vi.waitFor(async () => {
      await pass(1)
      expect(document.known.state.pendingCount).toBe(0)
    })
    expect(scene.received.filter((one) => one.startsWith("error"))).toEqual(["error WORKER_FAILED"])
  })

  test("and a store that cannot be read is reported", async () => {
    vi.stubGlobal("indexedDB", {
      databases: () => Promise.reject(new Error("no store")),
      open: () => {
        throw new Error("no store")
      },
    })
    const { scene } = shown()
    for (let i = 0; i < 3; i++) {
      scene.worker.onerror?.()
      await pass(1_000)
    }
    await vi.waitFor(async () => {
      await pass(1)
      expect(scene.count("error LOG_FAILED")).toBe(1)
    })
  })
})

describe("a document that a newer build owns (T20)", () => {
  const error = { code: "WORKER_REPLACED", message: "newer" }

  test("ends queries and calls, later ones too, and the port is closed", async () => {
    const { scene, document, worker } = shown()
    const query = scene.subscribe()
    worker.sayState({ isUpToDate: true })
    const ways = [noted(document.requests.dismiss("u")), noted(document.mutate(Add, 1))]
    worker.say({ type: "ended", status: "needs-update", error })
    expect(document.known.state).toMatchObject({ status: "needs-update", error, isOpen: false, isUpToDate: false })
    expect([worker.types.at(-1), worker.isClosed]).toEqual(["close", true])
    ways.push(noted(document.mutate(Add, 2)))
    scene.subscribe()
    query.refresh()
    await pass(0)
    expect(ways).toEqual([["WORKER_REPLACED"], ["WORKER_REPLACED"], ["WORKER_REPLACED"]])
    expect(scene.results).toEqual([
      [failedWith("WORKER_REPLACED"), 0],
      [failedWith("WORKER_REPLACED"), 0],
      [failedWith("WORKER_REPLACED"), 1],
    ])
  })

  test("is never taken back: it is not connected again, and not idle when nothing uses it", async () => {
    const { scene, document, leave, worker } = shown()
    worker.say({ type: "ended", status: "needs-update", error })
    document.use(scene.options({ url: "http://b/lf" }))
    leave()
    await pass(5_000)
    document.retain()
    await pass(5_000)
    expect([scene.workers.length, scene.count("idle")]).toEqual([1, 0])
  })
})
