import type { Socket } from "node:net"
import { FRAME_BYTES_MAX, LSN_ZERO, lsn, TOKEN_BYTES_MAX } from "@lf/core/internal"
import { afterEach, describe, expect, test } from "vitest"
import type { WebSocket } from "ws"
import { encodeMessage } from "../../../core/src/network/codec.ts"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { ConnectionQuotas } from "../limits/connection-quotas.ts"
import { LIMITS, limitsOf } from "../limits/limits.ts"
import { PROGRESS_BYTES } from "../node/ws-intake.ts"
import { cleanUp, later, startServer, until } from "../testing/fixture.ts"
import { type RawClient, rawClient } from "../testing/raw.ts"

afterEach(cleanUp)

/** The TCP stream under a socket of `ws`, which sends whole frames only. */
const streamOf = (socket: WebSocket) => (socket as unknown as { _socket: Socket })._socket // ws has no public accessor

/** The beginning of a masked binary frame of `bytes`, and so much of its payload. */
function halfFrame(bytes: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(14)
  head.set([0x82, 0x80 | 127])
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return Buffer.concat([head, payload])
}

const HALF = halfFrame(FRAME_BYTES_MAX, new Uint8Array(FRAME_BYTES_MAX - 1024))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function welcomed(url: string, options = {}): Promise<RawClient> {
  const raw = await rawClient(url, options)
  raw.hello({ secret: crypto.getRandomValues(new Uint8Array(32)) })
  await raw.receives("welcome")
  return raw
}

/** Sends a byte now and then until it is cut. Resolves with how long that took. */
async function trickle(raw: RawClient, everyMs: number): Promise<number> {
  const startedMs = performance.now()
  const timer = setInterval(() => streamOf(raw.socket)?.write(Uint8Array.of(1)), everyMs)
  later(() => clearInterval(timer))
  await raw.closed
  clearInterval(timer)
  return performance.now() - startedMs
}

describe("before the welcome (S7, S20)", () => {
  test("300 sockets with a half frame of 1 MiB hold little, and are gone", async () => {
    const { url, server } = await startServer({ limits: { upgradesPerAddressPerMinute: 10_000 } })
    const raws: RawClient[] = []
    for (let i = 0; i < 300; i++) raws.push(await rawClient(url))
    const before = process.memoryUsage()
    let most = 0
    const look = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before.arrayBuffers)
    }, 5)
    later(() => clearInterval(look))
    for (const { socket } of raws) streamOf(socket).write(HALF)
    await Promise.all(raws.map(({ closed }) => closed))
    clearInterval(look)
    // 64 KiB each, and the piece that was over it: without the limit it is 300 MiB.
    expect(most).toBeLessThan(100 * 1024 * 1024)
    await until(
      () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count === 0))),
      "they are gone",
    )
  }, 60_000)

  test("helloBytesMax: more is RATE_LIMITED, as much as may be is not", async () => {
    const { url } = await startServer({ authenticate: () => null })
    const over = await rawClient(url)
    streamOf(over.socket).write(halfFrame(FRAME_BYTES_MAX, new Uint8Array(LIMITS.helloBytesMax)))
    expect(await over.closed).toBe("RATE_LIMITED")
    const full = await rawClient(url)
    const schema = Array.from({ length: 2_000 }, (_, i) => String(i).padStart(16, "0"))
    full.hello({ token: "t".repeat(TOKEN_BYTES_MAX), schema })
    await full.receives("welcome")
  })

  test("a half hello that trickles in is cut at helloMsMax", async () => {
    const { url } = await startServer({ limits: { helloMsMax: 150 } })
    const raw = await rawClient(url)
    streamOf(raw.socket).write(halfFrame(30_000, new Uint8Array(100)))
    expect(await trickle(raw, 10)).toBeLessThan(10_000)
  })

  test("a thousand pieces of a byte are as much as helloBytesMax", async () => {
    const { url } = await startServer()
    const raw = await rawClient(url)
    const stream = streamOf(raw.socket).setNoDelay(true)
    stream.write(halfFrame(30_000, new Uint8Array(1)))
    for (let i = 0; i < 3_000 && !stream.destroyed; i++) {
      stream.write(Uint8Array.of(1))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await raw.closed).toBe("RATE_LIMITED")
  })
})

describe("after the welcome (S7, S20)", () => {
  test("a half frame is cut at idleMsMax, also when it trickles in", async () => {
    const { url } = await startServer({ limits: { idleMsMax: 300 } })
    const [still, trickling] = [await welcomed(url), await welcomed(url)]
    for (const { socket } of [still, trickling]) streamOf(socket).write(halfFrame(FRAME_BYTES_MAX, new Uint8Array(100)))
    await Promise.all([still.closed, trickle(trickling, 10)])
  })

  test("a slow upload of 1 MiB that goes on is not cut, though it takes longer than idleMsMax", async () => {
    const { url } = await startServer({ limits: { idleMsMax: 1_500 } })
    const raw = await welcomed(url)
    const entries = Array.from({ length: 4 }, (_, i) => {
      const args = { id: String(i), title: "x".repeat(250_000) }
      return mutationCodec.encode({ uid: `00000000-0000-7000-8000-00000000000${i}`, name: "Add", args, at: 1 })
    })
    const batch = { from: lsn(0), previousHash: 0n, entries }
    const message = encodeMessage({ type: "sync-mutations", batch, confirmed: LSN_ZERO })
    const frame = halfFrame(message.length, message)
    const startedMs = performance.now()
    for (let at = 0; at < frame.length; at += PROGRESS_BYTES) {
      streamOf(raw.socket).write(frame.subarray(at, at + PROGRESS_BYTES))
      await pause(130)
    }
    // Sends pings until the answer comes, as lf's client does.
    const pings = setInterval(() => raw.send({ type: "ping" }), 100)
    later(() => clearInterval(pings))
    expect(await raw.receives("cursor")).toMatchObject({ lsn: 4 })
    expect(performance.now() - startedMs).toBeGreaterThan(1_700)
  })

  test("over unfinishedBytesPerAddressMax the newest is closed, and no other", async () => {
    const limits = { unfinishedBytesPerAddressMax: 1024 * 1024 }
    const { url } = await startServer({ trustProxy: 1, limits })
    const from = (address: string) => ({ headers: { "x-forwarded-for": address } })
    const message = encodeMessage({ type: "ping" })
    const [first, second, other] = [
      await welcomed(url, from("1.1.1.1")),
      await welcomed(url, from("1.1.1.1")),
      await welcomed(url, from("2.2.2.2")),
    ]
    const most = halfFrame(FRAME_BYTES_MAX, new Uint8Array(600 * 1024))
    for (const { socket } of [first, second, other]) streamOf(socket).write(most)
    expect(await second.closed).toBe("RATE_LIMITED")
    // What is left of their frames is no message of ours, and arrives whole.
    for (const { socket } of [first, other]) streamOf(socket).write(new Uint8Array(FRAME_BYTES_MAX - 600 * 1024))
    expect(await Promise.all([first.closed, other.closed])).toEqual(["FRAME_MALFORMED", "FRAME_MALFORMED"])
    const next = await welcomed(url, from("1.1.1.1"))
    next.socket.send(message)
    await next.receives("pong")
  })
})

test("an address's bytes are released when frames complete and connections close (S7)", () => {
  const cut: string[] = []
  const quotas = new ConnectionQuotas(limitsOf({ unfinishedBytesPerAddressMax: 100 }))
  const [a, b, c] = ["a", "b", "c"].map((name) => quotas.intake("1.1.1.1", () => cut.push(name)))
  a.hold(60)
  b.hold(40)
  expect(cut).toEqual([])
  b.hold(0)
  c.hold(40)
  a.hold(61)
  expect(cut).toEqual(["c"])
  expect(quotas.counts.unfinishedBytes).toBe(61)
  for (const share of [a, b, c]) share.leave()
  expect(quotas.counts).toEqual({ connections: 0, addresses: 0, intakes: 0, owners: 0, unfinishedBytes: 0 })
  a.hold(1_000)
  expect(cut).toEqual(["c"])
})
