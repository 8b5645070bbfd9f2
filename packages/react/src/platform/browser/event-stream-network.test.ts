import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { encodeSend, lengthPrefixed, memoryPipe, type Peers, type Pipe } from "@lf/core/internal"
import { afterEach, describe, expect, test, vi } from "vitest"
import { networkContract } from "../../../../core/src/testing/network-contract.ts"
import { closeConnections } from "../../../../next/src/http/claimed-paths.ts"
import type { ConnectionRoute } from "../../../../next/src/http/connection-route.ts"
import { eventStreamsOf, takeForwardedSends } from "../../../../next/src/http/event-streams.ts"
import {
  forward,
  keyOf,
  keyText,
  newStreamKey,
  openSend,
  type StreamKey,
  sealSend,
  takeForwarded,
} from "../../../../next/src/http/forwarded-sends.ts"
import { routeHandlersOf } from "../../../../next/src/http/route-handlers.ts"
import { ConnectionQuotas } from "../../../../next/src/limits/connection-quotas.ts"
import { type Limits, limitsOf } from "../../../../next/src/limits/limits.ts"
import { browserNetwork } from "./browser-network.ts"
import { eventStreamNetwork, STREAMS_MAX } from "./event-stream-network.ts"

// Both ends on real sockets of Node. e2e/blocked-sockets.spec.ts runs them in browsers, behind nginx.

const undos: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

interface World {
  readonly server: Server
  readonly url: string
  readonly quotas: ConnectionQuotas
  accepted(): Promise<Pipe>
  stop(): Promise<void>
}

async function start(
  limits: Partial<Limits> = {},
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
  peers: Peers | null = null,
  origins: ReadonlySet<string> = new Set(),
): Promise<World> {
  const quotas = new ConnectionQuotas(limitsOf(limits))
  let arrive: (pipe: Pipe) => void = () => {}
  const route: ConnectionRoute = {
    path: "/api/lf",
    group: "test",
    origins,
    hostRules: { hosts: null, originHosts: new Set(), trustProxy: 0, isProduction: true },
    quotas,
    log: () => {},
    isClosed: () => false,
    accept: ({ pipe }) => arrive(pipe),
  }
  const answer = eventStreamsOf(route, peers)
  const { GET, POST } = routeHandlersOf({ origins: new Set(), hosts: null, trustProxy: 0, trouble: async () => null })
  const listener: RequestListener = async (request, response) => {
    if (before(request, response) || answer(server, request, response)) return
    const asked = new Request(`http://localhost${request.url}`, { method: request.method })
    const answered = await (request.method === "GET" ? GET(asked) : POST(asked))
    response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text())
  }
  const server: Server = createServer((request, response) => void listener(request, response))
  const sockets = new Set<Socket>()
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  undos.push(stop)
  return {
    server,
    quotas,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/lf`, // it listens on a port
    accepted: () =>
      new Promise((resolve) => {
        arrive = resolve
      }),
    stop,
  }
}

networkContract("event stream", async () => {
  const { url, accepted, stop } = await start({ helloBytesMax: 1_000_000 })
  return { network: eventStreamNetwork(url), accepted, close: stop }
})

/** A client's end by hand: the stream's response, its key, and what was received. */
async function openByHand({ url, accepted }: World) {
  const far = accepted()
  const response = await fetch(`${url}?stream`, { method: "POST" })
  const first = await response.body?.getReader().read()
  const key = /data: (.*)/.exec(new TextDecoder().decode(first?.value))?.[1] ?? ""
  const pipe = await far
  const frames: number[][] = []
  const ends: string[] = []
  pipe.listen({ frame: (frame) => frames.push([...frame]), closed: (reason) => ends.push(reason) })
  const answer = (body: Uint8Array) => fetch(`${url}?send`, { method: "POST", body: new Blob([body.slice().buffer]) })
  const post = async (body: Uint8Array) => (await answer(body)).status
  const send = (number: number, bytes: Uint8Array, ofKey = key) => post(encodeSend({ key: ofKey, number, bytes }))
  return { response, key, frames, ends, answer, post, send, pipe }
}

const FRAME = lengthPrefixed(Uint8Array.of(1, 2))

describe("the server's end of an event stream", () => {
  test("is not kept, changed or held back by what is in between", async () => {
    const { response } = await openByHand(await start())
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    })
  })

  test("takes the sends of its key alone, and of its secret (S23)", async () => {
    const { key, send, frames, ends } = await openByHand(await start())
    const [server, id, secret] = key.split(".")
    const forged = [server, id, "A".repeat(secret.length)].join(".")
    for (const wrong of ["", "x", [server, id].join("."), forged]) expect(await send(0, FRAME, wrong)).toBe(410)
    expect([frames, ends]).toEqual([[], []])
    expect(await send(0, FRAME)).toBe(204)
    expect(frames).toEqual([[1, 2]])
  })

  test.each([
    ["again", 0],
    ["out of order", 2],
  ])("a send that comes %s ends it", async (_what, number) => {
    const { send, frames, ends } = await openByHand(await start())
    expect(await send(0, FRAME)).toBe(204)
    expect(await send(number, FRAME)).toBe(410)
    await expect.poll(() => ends).toHaveLength(1)
    expect(frames).toEqual([[1, 2]])
  })

  test("of two sends at a time one ends it", async () => {
    const { send, ends } = await openByHand(await start({ framesPerSecond: 1 }))
    const many = Uint8Array.from(Array.from({ length: 6 }, () => [...FRAME]).flat())
    const statuses = await Promise.all([send(0, many), send(1, FRAME)])
    expect(statuses).toContain(410)
    await expect.poll(() => ends).toHaveLength(1)
  })

  test("what is no send, or too long, is refused and kept nowhere (S7, S15)", async () => {
    const world = await start()
    const { post, ends } = await openByHand(world)
    expect(await post(Uint8Array.of(1, 2, 3))).toBe(400)
    expect(await post(new Uint8Array(200_000)).catch(() => 413)).toBe(413)
    await expect.poll(() => world.quotas.counts.unfinishedBytes).toBe(0)
    expect(ends).toEqual([])
  })

  test("what is refused says why, and what is taken is kept by no cache", async () => {
    const world = await start()
    const { key, answer } = await openByHand(world)
    const refusalOf = async (response: Response) => [response.status, await response.json()]
    const gone = await answer(encodeSend({ key: "x", number: 0, bytes: FRAME }))
    expect(Object.fromEntries(gone.headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
    })
    expect(await refusalOf(gone)).toMatchObject([410, { code: "SERVER_CLOSING" }])
    expect(await refusalOf(await answer(Uint8Array.of(1)))).toMatchObject([400, { code: "FRAME_MALFORMED" }])
    const taken = await answer(encodeSend({ key, number: 0, bytes: FRAME }))
    expect(Object.fromEntries(taken.headers)).toMatchObject({ "cache-control": "no-store" })
    expect([taken.status, taken.headers.has("vary")]).toEqual([204, false])
    const { method, url } = { method: "GET", url: `${world.url}?stream` }
    expect((await fetch(url, { method })).headers.get("content-type")).not.toContain("event-stream")
  })

  test("a page of an origin that may connect reads the answers and sends its cookies; another reads none (S5)", async () => {
    const origin = "https://app.example"
    const world = await start({}, undefined, null, new Set([origin]))
    const shared = {
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      vary: "origin",
    }
    const ask = (query: string, origin: string) =>
      fetch(`${world.url}?${query}`, { method: "POST", headers: { origin }, body: new Blob(["x"]) })
    for (const query of ["stream", "send"]) {
      const answer = await ask(query, origin)
      expect(Object.fromEntries(answer.headers)).toMatchObject(shared)
      expect(answer.headers.get("cache-control")).toContain("no-store")
      await answer.body?.cancel()
      const other = await ask(query, "https://other.example")
      expect([other.status, other.headers.get("access-control-allow-origin")]).toEqual([403, null])
    }
  })

  test("a server that closes says so to its streams", async () => {
    const { ends, pipe } = await openByHand(await start())
    const said: unknown[] = []
    vi.spyOn(pipe, "close").mockImplementationOnce((reason) => {
      said.push(reason)
      pipe.close(reason)
    })
    await closeConnections("test", 1_000)
    await expect.poll(() => ends).toHaveLength(1)
    expect(said).toEqual(["SERVER_CLOSING"])
  })

  test("a send that never becomes whole is given up", async () => {
    const { server, url, quotas } = await start({ idleMsMax: 200 })
    const { port } = server.address() as AddressInfo
    const socket = connect(port, "127.0.0.1")
    undos.push(() => socket.destroy())
    socket.write(
      `POST ${new URL(url).pathname}?send HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: 100\r\n\r\nabc`,
    )
    let hasEnded = false
    socket.resume().on("close", () => {
      hasEnded = true
    })
    socket.on("error", () => {})
    await expect.poll(() => quotas.counts.intakes).toBe(1)
    await expect.poll(() => hasEnded, { timeout: 3_000 }).toBe(true)
    await expect.poll(() => quotas.counts.intakes).toBe(0)
  })

  test("what another server forwards is taken if it is sealed with the stream's secret, and once (S23)", async () => {
    const { key: text, frames } = await openByHand(await start())
    const key = keyOf(text)
    if (key === null) throw new Error("the stream has a key")
    const send = (of: StreamKey, number: number) => {
      const [near, far] = memoryPipe()
      takeForwardedSends(far)
      return forward(near, sealSend(of, { number, bytes: FRAME }))
    }
    expect(await send({ ...key, secret: newStreamKey("").secret }, 0)).toBe(false)
    expect(await send(newStreamKey(""), 0)).toBe(false)
    expect(frames).toEqual([])
    expect(await send(key, 0)).toBe(true)
    expect(await send(key, 0)).toBe(false)
    expect([frames, key.server]).toEqual([[[1, 2]], ""])
  })

  test("a frame over the limit, and more than a hello before the welcome, end it (S7)", async () => {
    const world = await start({ helloBytesMax: 100 })
    const long = await openByHand(world)
    expect(await long.send(0, Uint8Array.of(255, 255, 255, 255))).toBe(410)
    await expect.poll(() => long.ends).toHaveLength(1)
    const early = await openByHand(world)
    expect(await early.send(0, new Uint8Array(101))).toBe(410)
    await expect.poll(() => early.ends).toHaveLength(1)
  })

  test("rates delay the answer, and with it the client's next send (S7)", async () => {
    const { send } = await openByHand(await start({ framesPerSecond: 10 }))
    const burst = Uint8Array.from(Array.from({ length: 45 }, () => [...FRAME]).flat())
    const startMs = performance.now()
    expect(await send(0, burst)).toBe(204)
    expect(performance.now() - startMs).toBeGreaterThan(300)
  })

  test("an unfinished frame counts for its address; over its share the stream ends (S20)", async () => {
    const world = await start({ unfinishedBytesPerAddressMax: 150_000 })
    const { send, ends } = await openByHand(world)
    const frame = lengthPrefixed(new Uint8Array(500_000))
    expect(await send(0, frame.subarray(0, 50_000))).toBe(204)
    expect(world.quotas.counts.unfinishedBytes).toBe(50_000)
    await send(1, frame.subarray(50_000, 140_000)).catch(() => 0)
    await expect.poll(() => ends).toHaveLength(1)
    await expect.poll(() => world.quotas.counts).toMatchObject({ connections: 0, intakes: 0, unfinishedBytes: 0 })
  })

  test("counts as a connection of its address, and one more is refused", async () => {
    const world = await start({ connectionsPerAddressMax: 1 })
    const { pipe } = await openByHand(world)
    const refused = await fetch(`${world.url}?stream`, { method: "POST" })
    expect([refused.status, (await refused.json()).code]).toEqual([429, "RATE_LIMITED"])
    pipe.close("done")
    await expect.poll(() => world.quotas.counts.connections).toBe(0)
  })

  test("a page of another origin may neither open one nor send (S5)", async () => {
    const world = await start()
    const { key } = await openByHand(world)
    for (const query of ["stream", "send"]) {
      const body = encodeSend({ key, number: 0, bytes: FRAME }).slice().buffer
      const headers = { origin: "https://other.example" }
      const response = await fetch(`${world.url}?${query}`, { method: "POST", headers, body })
      expect([response.status, (await response.json()).code]).toEqual([403, "ORIGIN_REFUSED"])
    }
  })

  test("a client that is silent, or does not read, is cut (T23)", async () => {
    const silent = await openByHand(await start({ idleMsMax: 200 }))
    await expect.poll(() => silent.ends).toHaveLength(1)
    const full = await openByHand(await start({ unreadBytesMax: 1_000_000 }))
    for (let i = 0; i < 40; i++) full.pipe.send(new Uint8Array(500_000))
    await expect.poll(() => full.ends).toHaveLength(1)
  })
})

describe("a send that reaches another server of the store", () => {
  /** The store's other servers: one, "there", which has the stream of this key. */
  function oneOther() {
    const key = newStreamKey("there")
    const taken: number[] = []
    const peers: Peers = {
      address: "here",
      openOrReach: () => Promise.reject(new Error("no document is opened")),
      listen() {},
      notify() {},
      async reachServer(address) {
        if (address !== "there") return null
        const [near, far] = memoryPipe()
        takeForwarded(far, async (sealed) => {
          const send = openSend(sealed, (id) => (id === key.id ? key.secret : undefined))
          if (send !== null) taken.push(send.number)
          return send !== null
        })
        return near
      },
    }
    return { key, peers, taken }
  }

  test("is forwarded to the one that its key names, which answers (S23)", async () => {
    const { key, peers, taken } = oneOther()
    const { url } = await start({}, undefined, peers)
    const post = async (of: StreamKey) => {
      const body = encodeSend({ key: keyText(of), number: 3, bytes: FRAME }).slice().buffer
      return (await fetch(`${url}?send`, { method: "POST", body })).status
    }
    expect(await post(key)).toBe(204)
    for (const wrong of [{ ...key, server: "gone" }, { ...key, server: "here" }, newStreamKey("there")])
      expect(await post(wrong)).toBe(410)
    expect(taken).toEqual([3])
  })

  test("waits where one address sends more than a connection may (S7)", async () => {
    const { key, peers } = oneOther()
    const { url } = await start({ bytesPerSecond: 50_000 }, undefined, peers)
    const body = encodeSend({ key: keyText(key), number: 0, bytes: new Uint8Array(110_000) }).slice().buffer
    const startMs = performance.now()
    const statuses = await Promise.all(
      [1, 2].map(async () => (await fetch(`${url}?send`, { method: "POST", body })).status),
    )
    expect(statuses).toEqual([204, 204])
    expect(performance.now() - startMs).toBeGreaterThan(300)
  })
})

describe("the browser's end", () => {
  test("a proxy that holds the response back is named (H7)", async () => {
    vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms: number) =>
      realTimeout(run, ms / 50)) as typeof setTimeout)
    const { url } = await start({}, (request) => request.url?.includes("stream") === true)
    await expect(eventStreamNetwork(url).connect()).rejects.toMatchObject({
      code: "UPGRADE_BLOCKED",
      message: expect.stringMatching(/did not begin.*hold responses back/),
    })
  })

  test("another answer than a stream is named with its status", async () => {
    const { url } = await start({}, (request, response) => {
      if (request.url?.includes("stream") !== true) return false
      response.writeHead(403).end()
      return true
    })
    await expect(eventStreamNetwork(url).connect()).rejects.toMatchObject({
      code: "UPGRADE_BLOCKED",
      message: expect.stringContaining("answered with 403"),
    })
  })

  test("over HTTP/1.1 no more streams are open than leave the page its connections", async () => {
    const { url } = await start()
    const network = eventStreamNetwork(url)
    const pipes = await Promise.all(Array.from({ length: STREAMS_MAX }, () => network.connect()))
    await expect(network.connect()).rejects.toMatchObject({
      code: "UPGRADE_BLOCKED",
      message: expect.stringContaining("HTTP/2"),
    })
    pipes[0].close("done")
    pipes[0].close("done")
    pipes.push(await network.connect())
    await expect(network.connect()).rejects.toMatchObject({ code: "UPGRADE_BLOCKED" })
    for (const pipe of pipes) pipe.close("done")
  })

  test("a send that is refused ends it", async () => {
    const world = await start({}, (request, response) => {
      if (request.url?.includes("send") !== true) return false
      response.writeHead(502).end()
      return true
    })
    const far = world.accepted()
    const pipe = await eventStreamNetwork(world.url).connect()
    ;(await far).listen({ frame() {}, closed() {} })
    const ends: string[] = []
    pipe.listen({ frame() {}, closed: (reason) => ends.push(reason) })
    pipe.send(Uint8Array.of(1))
    await expect.poll(() => ends).toEqual(["a request was answered with 502"])
  })
})

const realTimeout = globalThis.setTimeout

describe("which way is taken", () => {
  /** A WebSocket that never opens, as behind a proxy that passes no upgrade on. */
  class BlockedSocket {
    static tries = 0
    onerror: (() => void) | null = null
    constructor() {
      BlockedSocket.tries++
      queueMicrotask(() => this.onerror?.())
    }
    close() {}
  }

  test("an event stream after a socket was blocked, a minute long without another try, then a socket again", async () => {
    vi.stubGlobal("WebSocket", BlockedSocket)
    BlockedSocket.tries = 0
    const world = await start()
    let nowMs = 0
    const network = browserNetwork(world.url, () => nowMs)
    const triesFor = async () => {
      const far = world.accepted()
      const pipe = await network.connect()
      ;(await far).listen({ frame() {}, closed() {} })
      pipe.close("done")
      return BlockedSocket.tries
    }
    expect(await triesFor()).toBe(1)
    expect(await triesFor()).toBe(1)
    nowMs = 61_000
    expect(await triesFor()).toBe(2)
    await world.stop()
    await expect(network.connect()).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" })
  })

  test.each([
    ["this end", true],
    ["the proxy", false],
  ])("an event stream after a socket that was open for 5 s without a frame, closed by %s", async (_what, isOurs) => {
    const sockets: SilentSocket[] = []
    /** It opens, and nothing comes. */
    class SilentSocket {
      onopen: (() => void) | null = null
      onclose: ((event: { reason: string; code: number }) => void) | null = null
      constructor() {
        sockets.push(this)
        queueMicrotask(() => this.onopen?.())
      }
      close() {}
    }
    vi.stubGlobal("WebSocket", SilentSocket)
    const world = await start()
    let nowMs = 0
    const network = browserNetwork(world.url, () => nowMs)
    /** How the connection travels that is made now; it is closed after so long. */
    const closedAfter = async (ms: number) => {
      const far = world.accepted()
      const pipe = await network.connect()
      const { transport } = pipe
      pipe.listen({ frame() {}, closed() {} })
      nowMs += ms
      if (isOurs || transport !== "a WebSocket") pipe.close("no answer")
      else sockets.at(-1)?.onclose?.({ reason: "", code: 1006 })
      if (transport !== "a WebSocket") (await far).listen({ frame() {}, closed() {} })
      return transport
    }
    expect(await closedAfter(1_000)).toBe("a WebSocket")
    expect(await closedAfter(6_000)).toBe("a WebSocket")
    expect(await closedAfter(1_000)).toMatch("an event stream")
  })
})
