import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { lengthPrefixed } from "@lf/core/internal"
import { afterEach, expect, test } from "vitest"
import { limitsOf } from "../limits/limits.ts"
import { traffic } from "../process/traffic.ts"
import { EventStreamPipe } from "./event-stream-pipe.ts"
import type { PipeLimits } from "./pipe-limits.ts"

const undos: (() => unknown)[] = []
afterEach(() => {
  for (const undo of undos.splice(0).reverse()) undo()
})

/** A pipe on a response of a real server, and what its other end reads. */
async function open(given: Partial<PipeLimits> = {}) {
  const share = { held: [] as number[], left: 0 }
  let arrive: (response: ServerResponse) => void = () => {}
  const arrival = new Promise<ServerResponse>((resolve) => {
    arrive = resolve
  })
  const server = createServer((_request, response) => arrive(response))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  const answer = new Promise<IncomingMessage>((resolve) => {
    const request = get({ port, host: "127.0.0.1" }, resolve)
    request.on("error", () => {})
    undos.push(() => request.destroy())
  })
  undos.push(() => server.close())
  const response = await arrival
  const limits = limitsOf(given)
  const hold = (bytes: number) => void share.held.push(bytes)
  const pipe = new EventStreamPipe(response, { limits, share: { hold, leave: () => void share.left++ } })
  pipe.open("key", {})
  const far = await answer
  let text = ""
  let hasEnded = false
  far.on("data", (chunk) => {
    text += chunk
  })
  far.on("close", () => {
    hasEnded = true
  })
  far.on("error", () => {})
  return { pipe, far, response, share, text: () => text, hasEnded: () => hasEnded }
}

/** What listens, with what it was given. */
function listenTo(pipe: EventStreamPipe, onFrame: () => void = () => {}) {
  const got: (number[] | string)[] = []
  pipe.listen({
    frame(frame) {
      got.push([...frame])
      onFrame()
    },
    closed: (reason) => void got.push(reason),
  })
  return got
}

const framesOf = (...all: number[]) => new Uint8Array(all.flatMap((one) => [...lengthPrefixed(Uint8Array.of(one))]))
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

test("frames and the end are events, and both directions are counted", async () => {
  const { pipe, text, hasEnded } = await open()
  listenTo(pipe)
  const { sentBytes, receivedBytes } = traffic()
  pipe.send(Uint8Array.of(1, 2))
  expect(await pipe.receive({ number: 0, bytes: framesOf(3) })).toBe(true)
  expect([traffic().sentBytes - sentBytes, traffic().receivedBytes - receivedBytes]).toEqual([2, framesOf(3).length])
  pipe.close("so\n\nit is")
  pipe.close("again")
  pipe.send(Uint8Array.of(9))
  await expect.poll(hasEnded).toBe(true)
  expect(text()).toBe("event: open\ndata: key\n\ndata: AQI=\n\nevent: close\ndata: so it is\n\n")
})

test("what comes before it is listened to is kept in order, and so is the end", async () => {
  const { pipe, far, share } = await open()
  await pipe.receive({ number: 0, bytes: framesOf(1, 2) })
  const got = listenTo(pipe)
  await pipe.receive({ number: 1, bytes: framesOf(3) })
  expect(got).toEqual([[1], [2], [3]])
  far.destroy()
  await expect.poll(() => got.length).toBe(4)
  expect([got[3], share.left]).toEqual(["the stream was closed", 1])
  const late = await open()
  late.far.destroy()
  await expect.poll(() => late.share.left).toBe(1)
  expect(listenTo(late.pipe)).toEqual(["the stream was closed"])
})

test.each([
  ["a number that is not the next", "FRAME_MALFORMED", { number: 1, bytes: framesOf(1) }],
  ["more than a hello", "RATE_LIMITED", { number: 0, bytes: new Uint8Array(101) }],
  ["a frame over the limit", "FRAME_TOO_LARGE", { number: 0, bytes: Uint8Array.of(255, 255, 255, 255) }],
])("a send of %s ends it with its reason", async (_what, reason, send) => {
  const { pipe, text, hasEnded } = await open({ helloBytesMax: 100 })
  const got = listenTo(pipe)
  expect(await pipe.receive(send)).toBe(false)
  expect(await pipe.receive({ number: 0, bytes: framesOf(1) })).toBe(false)
  await expect.poll(hasEnded).toBe(true)
  expect(text()).toContain(`event: close\ndata: ${reason}\n\n`)
  await expect.poll(() => got).toEqual(["the stream was closed"])
})

test("a hello may be as long as its limit, and what follows the welcome is longer", async () => {
  const { pipe } = await open({ helloBytesMax: framesOf(1).length })
  const got = listenTo(pipe)
  expect(await pipe.receive({ number: 0, bytes: framesOf(1) })).toBe(true)
  pipe.welcomed()
  expect(await pipe.receive({ number: 1, bytes: framesOf(2, 3) })).toBe(true)
  expect(got).toEqual([[1], [2], [3]])
})

test("between two frames others have their turn, and none comes after the end", async () => {
  const { pipe } = await open()
  const order: string[] = []
  pipe.listen({
    frame(frame) {
      order.push(`frame ${frame[0]}`)
      setImmediate(() => order.push("others"))
      if (frame[0] === 2) pipe.close("enough")
    },
    closed: () => {},
  })
  expect(await pipe.receive({ number: 0, bytes: framesOf(1, 2, 3) })).toBe(false)
  await turn()
  expect(order).toEqual(["frame 1", "others", "frame 2", "others"])
})

test("a client that does not read ends after a while, also one that was closed (T23)", async () => {
  const stuck = await open({ stuckBytesMax: 1_000, stuckMsMax: 200, unreadBytesMax: 100_000_000 })
  stuck.far.pause()
  for (let i = 0; i < 20; i++) stuck.pipe.send(new Uint8Array(1_000_000))
  expect(stuck.pipe.unreadBytes).toBeGreaterThan(1_000)
  await expect.poll(() => stuck.share.left, { timeout: 3_000 }).toBe(1)
  const closed = await open({ unreadBytesMax: 100_000_000 })
  closed.far.pause()
  for (let i = 0; i < 20; i++) closed.pipe.send(new Uint8Array(1_000_000))
  closed.pipe.close("done")
  await turn()
  expect(closed.share.left).toBe(0)
  await expect.poll(() => closed.share.left, { timeout: 5_000 }).toBe(1)
})

test("an error of the response is its end", async () => {
  const { pipe, response } = await open()
  const got = listenTo(pipe)
  response.destroy(new Error("cut"))
  await expect.poll(() => got).toEqual(["the stream was closed"])
  response.emit("error", new Error("another"))
  pipe.close("late")
  pipe.send(Uint8Array.of(1))
})
