import { fork } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { afterEach, expect, test } from "vitest"
import { bundle } from "../testing/bundle.ts"
import type { Counts } from "../testing/counts-server.ts"
import { cleanUp, later, temporaryDirectory } from "../testing/fixture.ts"
import { type RawClient, rawClient } from "../testing/raw.ts"

afterEach(cleanUp)

const AT_ONCE = 50
/** `npm run check` is content with fewer. */
const EACH = Number(process.env.LF_COUNTED_CONNECTIONS ?? 1_000)

/** What a connection does, by number: it resolves when the connection is over. */
type Behaviour = (port: number, i: number) => Promise<unknown>

const open = (port: number, options = {}): Promise<RawClient> => rawClient(`ws://127.0.0.1:${port}/api/lf`, options)
const secret = () => crypto.getRandomValues(new Uint8Array(32))

const served: Behaviour = async (port, i) => {
  const raw = await open(port)
  raw.hello({ docId: `doc-${i % 5}`, secret: secret(), ...(i % 2 === 0 ? {} : { token: `user-${i % 7}` }) })
  await raw.receives("welcome")
  raw.ask()
  raw.send({ type: "ping" })
  await raw.receives("pong")
  if (i % 3 === 0) raw.socket.terminate()
  else raw.socket.close()
  await raw.closed
}

const FAILURES: Record<string, Behaviour> = {
  "a foreign origin": (port) => expect(open(port, { origin: "https://evil.example" })).rejects.toThrow("403"),
  "a foreign host": (port) => expect(open(port, { headers: { host: "evil.example" } })).rejects.toThrow("403"),
  "no hello": async (port) => {
    const raw = await open(port)
    raw.socket.send(new Uint8Array([1, 2, 3]))
    expect(await raw.closed).toBe("FRAME_MALFORMED")
  },
  "a refused token": async (port) => {
    const raw = await open(port)
    raw.hello({ token: "refused" })
    expect(await raw.closed).toBe("AUTH_REQUIRED")
  },
  "a forbidden document": async (port) => {
    const raw = await open(port)
    raw.hello({ docId: "forbidden" })
    expect(await raw.closed).toBe("FORBIDDEN")
  },
  "gone before the answer": async (port, i) => {
    const raw = await open(port)
    raw.hello({ docId: `doc-${i % 5}`, secret: secret() })
    raw.socket.terminate()
    await raw.closed
  },
  "a path that no listener answers": (port) => bytes(port, "GET /unclaimed HTTP/1.1\r\n", "", false),
  "the same, and gone": (port) => bytes(port, "GET /unclaimed HTTP/1.1\r\n", "", true),
  "half a frame": (port) => bytes(port, "GET /api/lf HTTP/1.1\r\n", "\x82\xff\0\0\0\0\0\x0f\0\0", false),
  "half a frame, and gone": (port) => bytes(port, "GET /api/lf HTTP/1.1\r\n", "\x82\xff\0\0\0\0\0\x0f\0\0", true),
}

/** An upgrade as it is on the wire, and what follows it. */
async function bytes(port: number, request: string, more: string, leaves: boolean): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => {})
  later(() => socket.destroy())
  socket.write(
    `${request}Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`,
  )
  socket.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
  socket.write(more, "latin1")
  socket.resume()
  if (leaves) socket.end()
  await once(socket, "close")
}

async function crowd(port: number, count: number, accept: Behaviour): Promise<void> {
  let next = 0
  const member = async () => {
    while (next < count) await accept(port, next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, member))
}

async function serve() {
  const script = await bundle("testing/counts-server.ts")
  const child = fork(script, [await temporaryDirectory()], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  later(() => child.kill("SIGKILL"))
  const [port] = await once(child, "message")
  const counts = async (): Promise<Counts> => {
    child.send("counts")
    return (await once(child, "message"))[0] as Counts // the only thing it sends after its port
  }
  return { port: Number(port), counts }
}

test(`what ${EACH} connections that succeed and ${EACH} that fail leave behind is nothing (I17, S20)`, {
  timeout: 120_000,
}, async () => {
  const { port, counts } = await serve()
  const failures = Object.values(FAILURES)
  const failed: Behaviour = (port, i) => failures[i % failures.length](port, i)
  /** Until all of them are as they were, or for ten seconds. */
  const settled = async (before: Counts | null) => {
    let now = await counts()
    for (let i = 0; i < 200; i++) {
      if (before === null ? now.rooms === 0 && now.sockets === 0 : !isMore(now, before)) break
      await new Promise((resolve) => setTimeout(resolve, 50))
      now = await counts()
    }
    return now
  }
  // The first of each opens what stays: the compiled wasm, the lock of the directory, threads.
  await crowd(port, AT_ONCE, served)
  await crowd(port, AT_ONCE, failed)
  await settled(null)
  await new Promise((resolve) => setTimeout(resolve, 300))
  const before = await counts()
  await crowd(port, EACH, served)
  await crowd(port, EACH, failed)
  const after = await settled(before)
  for (const name of Object.keys(before) as (keyof Counts)[]) {
    expect(after[name], `${name}: ${before[name]} before, ${after[name]} after`).toBeLessThanOrEqual(before[name])
  }
  expect(after).toMatchObject({
    connections: 0,
    addresses: 0,
    intakes: 0,
    owners: 0,
    unfinishedBytes: 0,
    sockets: 0,
    openSockets: 0,
    unanswered: 0,
    reauthorizer: 0,
    rooms: 0,
  })
})

function isMore(now: Counts, before: Counts): boolean {
  return (Object.keys(before) as (keyof Counts)[]).some((name) => now[name] > before[name])
}
