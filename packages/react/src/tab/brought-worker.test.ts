import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { channelPort, type ElectionMessage, electionChannel } from "../rpc/election.ts"
import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { BroughtWorker, SILENT_MS_MAX } from "./brought-worker.ts"

const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { timeout: 5_000, interval: 2 })

/** The serving worker of another tab. */
let server: BroadcastChannel
let asked: string[]
// Of this file alone: tests beside it are threads of one process, and share its channels.
const script = "https://app.test/brought-worker.js"
beforeEach(() => {
  vi.stubGlobal("Math", Object.assign(Object.create(Math), { random: () => 0 }))
  server = electionChannel(script)
  asked = []
  server.onmessage = ({ data }: MessageEvent<ElectionMessage>) => {
    if (data.type === "connect") asked.push(data.port)
  }
})
afterEach(() => {
  server.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** The tab's own worker, as the tab sees it. */
function bring() {
  const orders: unknown[] = []
  const worker = {
    onmessage: null as ((event: { data: unknown }) => void) | null,
    onerror: null as (() => void) | null,
    isTerminated: false,
    postMessage: (message: unknown) => orders.push(message),
    terminate: () => {
      worker.isTerminated = true
    },
  }
  const own = new BroughtWorker(worker as unknown as Worker)
  const starts = () => worker.onmessage?.({ data: { type: "candidate", script } })
  return { own, worker, orders, starts }
}

function connected(own: BroughtWorker) {
  const received: string[] = []
  const failures: string[] = []
  const port = own.connect(() => failures.push("failed"))
  port.listen(({ type }) => received.push(type))
  return { port, received, failures }
}

describe("a port to the worker that serves", () => {
  test("keeps what is posted early until the other end is there, and is asked for again when a worker begins", async () => {
    const { own, starts } = bring()
    const { port, received } = connected(own)
    port.post({ type: "ping", hasOpened: true })
    starts()
    await until(() => asked.length === 1)
    server.postMessage({ type: "serves" } satisfies ElectionMessage)
    await until(() => asked.length === 2)
    expect(new Set(asked).size, "each attempt has a port of its own").toBe(2)
    const arrived: string[] = []
    // The one that was asked first has ended: its late answer would be taken for that of the second one.
    const ended = channelPort<WorkerMessage, TabMessage>(asked[0])
    ended.post({ type: "alive" })
    const far = channelPort<WorkerMessage, TabMessage>(asked[1])
    far.listen(({ type }) => arrived.push(type))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([received, arrived]).toEqual([[], []])
    far.post({ type: "alive" })
    await until(() => received.includes("alive"))
    port.post({ type: "poke" })
    await until(() => arrived.length === 2)
    expect(arrived).toEqual(["ping", "poke"])
    server.postMessage({ type: "serves" } satisfies ElectionMessage)
    port.close()
    for (const one of [far, ended]) one.close()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(asked).toHaveLength(2)
  })

  test("that stays silent has the tab's own worker take over; a script that does not load says so (T21)", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const silent = bring()
    const { port } = connected(silent.own)
    await vi.advanceTimersByTimeAsync(SILENT_MS_MAX * 2)
    expect(silent.orders, "nothing serves before its own script runs").toEqual([])
    silent.starts()
    await vi.advanceTimersByTimeAsync(SILENT_MS_MAX)
    expect(silent.orders).toEqual([{ type: "depose" }])
    port.close()
    const broken = bring()
    const { failures } = connected(broken.own)
    broken.worker.onerror?.()
    expect([failures, broken.own.isOver, broken.worker.isTerminated]).toEqual([["failed"], true, true])
  })

  test("ends with its worker when newer code is to serve; errors of a running worker do not end it", async () => {
    const { own, worker, starts } = bring()
    const { failures } = connected(own)
    starts()
    worker.onerror?.()
    expect(own.isOver).toBe(false)
    server.postMessage({ type: "renew" } satisfies ElectionMessage)
    await until(() => own.isOver)
    expect([worker.isTerminated, failures]).toEqual([true, []])
  })
})
