import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { WorkerConnection } from "./worker-connection.ts"

/** A worker that was made for the tab, as the tab sees it. */
interface Made {
  readonly posted: TabMessage[]
  isClosed: boolean
  /** The worker says something. */
  say(message: WorkerMessage): void
  /** Its script cannot be loaded. */
  fail(): void
}

/** Called when the holder of a lock that is watched is gone. */
let watched: Map<string, () => void>

beforeEach(() => {
  vi.useFakeTimers()
  watched = new Map()
  const request = (name: string, ...rest: unknown[]) => {
    const [options, run] = (rest.length === 1 ? [{}, ...rest] : rest) as [{ signal?: AbortSignal }, () => unknown]
    if (options.signal === undefined) return Promise.resolve(run())
    watched.set(name, run)
    options.signal.addEventListener("abort", () => watched.delete(name))
    return new Promise(() => {})
  }
  vi.stubGlobal("navigator", { locks: { request } })
  vi.stubGlobal("isSecureContext", true)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function open({ throws = null as unknown } = {}) {
  const made: Made[] = []
  const received: string[] = []
  const connection = new WorkerConnection({
    opened: () => received.push("opened"),
    received: (message) => received.push(message.type),
    alive: () => received.push("alive"),
    failed: (error, how) => received.push(`failed ${how} ${error.code}`),
    recovered: () => received.push("recovered"),
  })
  const factory = () => {
    if (throws !== null) throw throws
    const port = { onmessage: null as ((event: { data: unknown }) => void) | null }
    const worker = { onerror: null as (() => void) | null }
    const one: Made = {
      posted: [],
      isClosed: false,
      say: (message) => port.onmessage?.({ data: message }),
      fail: () => worker.onerror?.(),
    }
    made.push(one)
    return Object.assign(worker, {
      port: Object.assign(port, {
        postMessage: (message: TabMessage) => one.posted.push(message),
        close: () => {
          one.isClosed = true
        },
      }),
    }) as unknown as SharedWorker // all that a tab uses of one
  }
  connection.open(factory)
  const last = () => made[made.length - 1]
  const live = (lock: string | null = "worker") => {
    last().say({ type: "alive" })
    last().say({ type: "life", lock } as WorkerMessage)
  }
  return { connection, made, received, last, live }
}

const opening: TabMessage = {
  type: "open",
  doc: "d",
  user: null,
  url: "http://localhost/api/lf",
  hasAuth: false,
  tab: "t",
  connection: 1,
}
const types = ({ posted }: Made) => posted.map(({ type }) => type)

describe("a worker that answers", () => {
  test("is connected once, is sent the posts and the tab's lock, and its messages are passed on", async () => {
    const { connection, made, received, last, live } = open()
    expect([connection.isOpen, connection.isAlive]).toEqual([true, false])
    connection.post({ type: "poke" })
    await vi.advanceTimersByTimeAsync(0)
    expect(last().posted).toEqual([{ type: "poke" }, { type: "life", lock: expect.stringMatching(/^lf\/1\/life\//) }])
    live()
    last().say({ type: "released" })
    expect([connection.isAlive, received]).toEqual([true, ["opened", "alive", "released"]])
    const talk = setInterval(() => last().say({ type: "pong" }), 1_000)
    await vi.advanceTimersByTimeAsync(60_000)
    clearInterval(talk)
    expect(made).toHaveLength(1)
  })

  test("is reconnected at once when its lock is free, and that lock is not watched again (T28)", async () => {
    const { made, received, live } = open()
    live()
    watched.get("worker")?.()
    expect([made.length, made[0].isClosed, received]).toEqual([2, true, ["opened", "alive", "opened"]])
    live("worker")
    expect(watched.size).toBe(0)
    live("another")
    expect([...watched.keys()]).toEqual(["another"])
    live(null)
    expect(watched.size).toBe(0)
  })

  test("that WebKit has put in another's place, at the same port, is connected anew: it was sent nothing (T28)", () => {
    const { made, received, live } = open()
    live("one")
    made[0].say({ type: "alive" })
    expect([made.length, made[0].isClosed, received]).toEqual([2, true, ["opened", "alive", "opened"]])
    expect(watched.size).toBe(0)
  })

  test("learns from each ping whether a document was asked for on this very port", async () => {
    const { connection, made, live } = open()
    live()
    await vi.advanceTimersByTimeAsync(2_000)
    connection.post(opening)
    await vi.advanceTimersByTimeAsync(2_000)
    connection.reconnect()
    live()
    made[1].say({ type: "pong" })
    await vi.advanceTimersByTimeAsync(2_000)
    const pings = made.map(({ posted }) => posted.flatMap((one) => (one.type === "ping" ? [one.hasOpened] : [])))
    expect(pings).toEqual([[false, true], [false]])
  })

  test("that restarts is reconnected at once; later messages of the old one are ignored", () => {
    const { made, received, last, live } = open()
    live()
    last().say({ type: "restarting" })
    expect(made).toHaveLength(2)
    made[0].say({ type: "released" })
    made[0].fail()
    expect(received).toEqual(["opened", "alive", "opened"])
    expect([types(made[0]).at(-1), made[0].isClosed, made[1].isClosed]).toEqual(["close", true, false])
  })
})

describe("a worker that does not answer", () => {
  test("without an answer is asked every 2 s, fails once after 10 s, and recovers on an answer", async () => {
    const { made, received, live } = open()
    await vi.advanceTimersByTimeAsync(1_999)
    expect(made).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect([made.length, made[0].isClosed, types(made[0]).at(-1)]).toEqual([2, true, "close"])
    await vi.advanceTimersByTimeAsync(7_999)
    expect(received.filter((one) => one !== "opened")).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(received.filter((one) => one !== "opened")).toEqual(["failed silent WORKER_FAILED"])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(received.filter((one) => one !== "opened")).toHaveLength(1)
    live()
    expect(received.filter((one) => one !== "opened").slice(1)).toEqual(["alive", "recovered"])
  })

  test("is reconnected after two silent pings, though its lock is not free and nothing waits (T28)", async () => {
    const { made, received, last, live } = open()
    live()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(types(made[0]).filter((type) => type === "ping")).toHaveLength(1)
    last().say({ type: "pong" })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(types(made[0]).filter((type) => type === "ping")).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(2_000)
    last().say({ type: "released" })
    await vi.advanceTimersByTimeAsync(5_999)
    expect(made).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect([made.length, made[0].isClosed, received]).toEqual([2, true, ["opened", "alive", "released", "opened"]])
  })

  test("is pinged on one connection alone: none before it lives, none after it is closed", async () => {
    const { connection, made, live } = open()
    await vi.advanceTimersByTimeAsync(1_999)
    live()
    connection.reconnect()
    live()
    await vi.advanceTimersByTimeAsync(2_000)
    connection.close()
    await vi.advanceTimersByTimeAsync(60_000)
    const pings = made.map((one) => types(one).filter((type) => type === "ping").length)
    expect(pings).toEqual([0, 1])
  })
})

describe("a worker whose script cannot be loaded", () => {
  test("is retried after 250 ms, then after twice as long each time, at most 10 s", async () => {
    const { made, received, last } = open()
    for (const delayMs of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      const count = made.length
      last().fail()
      await vi.advanceTimersByTimeAsync(delayMs - 1)
      expect(made).toHaveLength(count)
      await vi.advanceTimersByTimeAsync(1)
      expect(made).toHaveLength(count + 1)
    }
    expect(received.filter((one) => one !== "opened")).toEqual(["failed not-loaded WORKER_FAILED"])
  })

  test("is a failure at the third time in a row, not before, with the worker's reason if any", async () => {
    const { received, last, live } = open()
    for (let i = 0; i < 2; i++) {
      last().fail()
      await vi.advanceTimersByTimeAsync(1_000)
    }
    live()
    for (let i = 0; i < 3; i++) {
      expect(received.filter((one) => one.startsWith("failed"))).toEqual([])
      last().say({ type: "failed", error: { code: "UNSUPPORTED", message: "no wasm" } })
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(received.filter((one) => one.startsWith("failed"))).toEqual(["failed not-loaded UNSUPPORTED"])
    live()
    expect(received.slice(-2)).toEqual(["alive", "recovered"])
  })

  test("is tried at once when the network may be back; one that is connected is left alone", () => {
    const { connection, made, last } = open()
    connection.retry()
    expect(made).toHaveLength(1)
    last().fail()
    connection.post({ type: "poke" })
    expect(types(made[0])).not.toContain("poke")
    connection.retry()
    expect(made).toHaveLength(2)
  })
})

test("a page that cannot have a worker has failed for good", async () => {
  const { received, connection } = open({ throws: new TypeError("no") })
  expect(received).toEqual([expect.stringMatching(/^failed final /)])
  await vi.advanceTimersByTimeAsync(60_000)
  expect([received.length, connection.isAlive]).toEqual([1, false])
})

test("after close nothing is posted, watched or tried any more, until it is opened again", async () => {
  const { connection, made, received, last, live } = open()
  live()
  connection.close()
  expect([connection.isOpen, connection.isAlive, types(made[0]).at(-1), made[0].isClosed]).toEqual([
    false,
    false,
    "close",
    true,
  ])
  connection.post({ type: "poke" })
  connection.reconnect()
  connection.retry()
  last().fail()
  await vi.advanceTimersByTimeAsync(60_000)
  expect([made.length, watched.size, types(made[0]).includes("poke"), received.length]).toEqual([1, 0, false, 2])
})
