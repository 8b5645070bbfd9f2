import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { FRAME_BYTES_MAX, type Pipe } from "@lf/core/internal"
import { afterEach, describe, expect, test } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { LIMITS } from "../limits/limits.ts"
import { cleanUp, later, until } from "../testing/fixture.ts"
import type { PipeLimits } from "./pipe-limits.ts"
import { wsNetwork } from "./ws-network.ts"
import { WsPipe } from "./ws-pipe.ts"

afterEach(cleanUp)

/** A server that hands out its end of each connection. */
async function serve(limits: PipeLimits = LIMITS) {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const wss = new WebSocketServer({ server, maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false })
  later(() => {
    for (const client of wss.clients) client.terminate()
    server.close()
  })
  const pipes: Pipe[] = []
  wss.on("connection", (socket) => pipes.push(new WsPipe(socket, limits)))
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, pipes }
}

/** Keeps what arrives. */
function listenTo(pipe: Pipe) {
  const received = { frames: [] as number[][], closed: [] as string[] }
  pipe.listen({
    frame: (frame) => received.frames.push([...frame]),
    closed: (reason) => received.closed.push(reason),
  })
  return received
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  await once(socket, "open")
  return socket
}

describe("a pipe over a WebSocket", () => {
  test("frames sent before and after listening arrive whole and in order, and so does the reason", async () => {
    const { url, pipes } = await serve()
    const near = await wsNetwork(url).connect()
    near.send(new Uint8Array([1, 2]))
    near.send(new Uint8Array([]))
    near.send(new Uint8Array([3]))
    await until(() => pipes.length === 1, "connected")
    const receivedNear = listenTo(near)
    await new Promise((resolve) => setImmediate(resolve))
    const receivedFar = listenTo(pipes[0])
    pipes[0].send(new Uint8Array([9]))
    await until(() => receivedFar.frames.length === 3 && receivedNear.frames.length === 1, "all frames")
    expect(receivedFar.frames).toEqual([[1, 2], [], [3]])
    near.close("enough")
    await until(() => receivedFar.closed.length === 1 && receivedNear.closed.length === 1, "closed")
    expect(receivedFar.closed).toEqual(["enough"])
    near.send(new Uint8Array([4]))
    near.close("again")
  })

  test("a listener that is added after the end is called with it", async () => {
    const { url, pipes } = await serve()
    const near = await wsNetwork(url).connect()
    near.close("gone")
    await until(() => pipes.length === 1, "connected")
    listenTo(near)
    const received = listenTo(pipes[0])
    await until(() => received.closed.length === 1, "closed")
  })

  test("a text frame closes with FRAME_MALFORMED", async () => {
    const { url, pipes } = await serve()
    const socket = await open(url)
    await until(() => pipes.length === 1, "connected")
    const received = listenTo(pipes[0])
    socket.send("text")
    socket.send(new Uint8Array([1]))
    const [code, reason] = await once(socket, "close")
    expect([code, String(reason)]).toEqual([1003, "FRAME_MALFORMED"])
    expect(received.frames).toEqual([])
  })

  test("a frame over the limit closes (S7)", async () => {
    const { url, pipes } = await serve()
    const socket = await open(url)
    await until(() => pipes.length === 1, "connected")
    const received = listenTo(pipes[0])
    socket.send(new Uint8Array(FRAME_BYTES_MAX + 1))
    const [code] = await once(socket, "close")
    expect(code).toBe(1009)
    await until(() => received.closed.length === 1, "closed")
    expect(received.frames).toEqual([])
  })

  test("a socket that says nothing is cut, one that talks is not (T22)", async () => {
    const { url, pipes } = await serve({ ...LIMITS, idleMsMax: 300 })
    const silent = await open(url)
    const talker = await open(url)
    const timer = setInterval(() => talker.send(new Uint8Array([1])), 20)
    later(() => clearInterval(timer))
    await until(() => pipes.length === 2, "connected")
    await once(silent, "close")
    expect(talker.readyState).toBe(WebSocket.OPEN)
  })

  test("a client that never reads is cut, one that catches up is not (T23)", async () => {
    const { url, pipes } = await serve({ ...LIMITS, unreadBytesMax: Number.MAX_SAFE_INTEGER, stuckMsMax: 1_000 })
    const stuck = await open(url)
    const reader = await open(url)
    await until(() => pipes.length === 2, "connected")
    const received = pipes.map(listenTo)
    stuck.pause()
    const send = (bytes: number) => {
      for (const pipe of pipes) pipe.send(new Uint8Array(bytes))
    }
    // More than the system's buffers hold; what follows is little, so that a reader catches up on a busy machine too.
    for (let i = 0; i < 16; i++) send(512 * 1024)
    const timer = setInterval(() => send(1024), 100)
    later(() => clearInterval(timer))
    await until(() => received.some(({ closed }) => closed.length > 0), "one was cut")
    expect(received.map(({ closed }) => closed.length)).toEqual([1, 0])
    expect(reader.readyState).toBe(WebSocket.OPEN)
    stuck.terminate()
  })

  test("a client that asks for more than it reads is cut before it fills the memory (S7)", async () => {
    const { url, pipes } = await serve({ ...LIMITS, unreadBytesMax: 1024 * 1024 })
    const greedy = await open(url)
    await until(() => pipes.length === 1, "connected")
    const received = listenTo(pipes[0])
    greedy.pause()
    let sentBytes = 0
    await until(() => {
      pipes[0].send(new Uint8Array(256 * 1024))
      sentBytes += 256 * 1024
      return received.closed.length > 0
    }, "cut")
    // What the system's own buffers take is not ours.
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
    greedy.terminate()
  })

  test("tiny frames are read no faster than their rate, and none is lost (S7)", async () => {
    const { url, pipes } = await serve({ ...LIMITS, framesPerSecond: 200 })
    const socket = await open(url)
    await until(() => pipes.length === 1, "connected")
    const received = listenTo(pipes[0])
    const startedMs = performance.now()
    for (let i = 0; i < 1_000; i++) socket.send(new Uint8Array([i % 256]))
    await until(() => received.frames.length >= 800, "the burst passes")
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.send(new Uint8Array([7, 7]))
    await until(() => received.frames.at(-1)?.length === 2, "all are here")
    expect(received.frames).toHaveLength(1_001)
    // 800 at once, and 200 at 200 in a second.
    expect(performance.now() - startedMs).toBeGreaterThan(900)
    expect(received.closed).toEqual([])
  })

  test("a server that does not answer or is not there is SERVER_CLOSING", async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    await expect(wsNetwork(`ws://127.0.0.1:${port}/`).connect()).rejects.toMatchObject({ code: "SERVER_CLOSING" })
  })
})
