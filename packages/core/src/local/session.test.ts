import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { PROTOCOL_VERSION, type Refuse, TOKEN_BYTES_MAX } from "../network/message.ts"
import { ScriptedServer } from "../testing/scripted-server.ts"

beforeAll(loadChecksum)

const quiet = { error: null, isUpToDate: false, firstSync: null }
const refuse = (code: string): Refuse => ({ type: "refuse", code, message: "no" })

/** A server that refuses every hello with a code. */
function refusing(code: string): ScriptedServer {
  const server = new ScriptedServer()
  server.answer = (_, say) => say(refuse(code))
  return server
}

describe("a session that gets no connection", () => {
  test.each([
    ["AUTH_REQUIRED", "needs-auth", 30_000],
    ["SCHEMA_NEWER", "needs-update", 30_000],
    ["PROTOCOL_NEWER", "needs-update", 30_000],
    ["SERVER_UNREACHABLE", "offline", 250],
    ["SERVER_CLOSING", "offline", 250],
    ["SERVER_OLDER", "offline", 250],
    ["RATE_LIMITED", "offline", 250],
    ["CHECKSUM_MISMATCH", "connecting", 250],
    ["ROUTE_MISSING", "error", 250],
    ["ROUTE_FAILED", "error", 250],
    ["UPGRADE_BLOCKED", "error", 250],
    ["STORE_UNAVAILABLE", "error", 250],
    ["AUTHORIZE_FAILED", "error", 250],
    ["SERVER_DIRECTORY_OWNED", "error", 250],
    ["DOC_STOPPED", "error", 30_000],
  ])("because of %s is %s, and tries again after %i ms", async (code, status, retryMs) => {
    const server = refusing(code)
    const { session, first } = await server.session()
    expect(first).toEqual({ status: "connecting", ...quiet })
    expect(session.state).toMatchObject({ status, error: { code }, isUpToDate: false, firstSync: null })
    await server.pass(retryMs - 1)
    expect(server.askedAtMs).toEqual([0])
    await server.pass(1)
    expect(server.askedAtMs).toEqual([0, retryMs])
    session.stop()
  })

  test("waits twice as long after each failure, up to a limit, and at least half of that", async () => {
    for (const [byte, half] of [
      [255, 1],
      [0, 2],
    ]) {
      const server = refusing("SERVER_CLOSING")
      const local = await server.local()
      server.retryByte(byte)
      const { session } = await server.session({ local })
      await server.pass(80_000)
      const waits = server.askedAtMs.slice(1).map((ms, i) => (ms - server.askedAtMs[i]) * half)
      expect(waits.slice(0, 9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
      session.stop()
    }
  })

  test("waits the shortest time again after it was connected, was poked or went online", async () => {
    const begin = async () => {
      const server = refusing("SERVER_CLOSING")
      const { session } = await server.session()
      await server.pass(4_000)
      const before = server.askedAtMs.length
      return { server, session, waits: () => server.askedAtMs.slice(before).map((ms) => ms - 4_000) }
    }
    const poked = await begin()
    poked.session.poke()
    await poked.server.pass(800)
    expect(poked.waits()).toEqual([0, 250, 750])
    const online = await begin()
    online.session.setOnline(true)
    await online.server.pass(0)
    expect(online.waits()).toEqual([])
    online.session.setOnline(false)
    await online.server.pass(0)
    expect(online.session.state).toEqual({ status: "offline", ...quiet })
    online.session.setOnline(true)
    await online.server.pass(800)
    expect(online.waits()).toEqual([0, 250, 750])
    const connected = await begin()
    connected.server.answer = (message, say) => connected.server.takeAll(message, say)
    connected.session.poke()
    await connected.server.pass(0)
    connected.server.answer = (_, say) => say(refuse("SERVER_CLOSING"))
    connected.server.pipes.at(-1)?.close("bye")
    await connected.server.pass(300)
    expect(connected.waits()).toEqual([0, 250])
    for (const { session } of [poked, online, connected]) session.stop()
  })

  test("waits longer and longer for servers whose releases do not agree, though each welcomes it", async () => {
    const server = new ScriptedServer()
    server.answer = (message, say) =>
      message.type === "sync-storage" ? say(refuse("SERVER_OLDER")) : server.takeAll(message, say)
    const { session } = await server.session()
    await server.pass(4_000)
    const waits = server.askedAtMs.slice(1).map((ms, i) => ms - server.askedAtMs[i])
    expect(waits).toEqual([250, 500, 1000, 2000])
    session.stop()
  })

  test("gives up a network that does not connect, and a server that does not welcome (T22)", async () => {
    for (const [limitMs, isWay] of [
      [30_000, false],
      [10_000, true],
    ] as const) {
      const server = new ScriptedServer()
      if (!isWay) server.way = () => new Promise(() => {})
      server.answer = () => {}
      const { session } = await server.session()
      await server.pass(limitMs - 1)
      expect(session.state).toEqual({ status: "connecting", ...quiet })
      await server.pass(1)
      const message = `no answer from the server within ${limitMs} ms`
      expect(session.state).toMatchObject({ status: "offline", error: { code: "SERVER_UNREACHABLE", message } })
      expect(server.ends).toEqual(isWay ? ["done"] : [])
      session.stop()
      expect(server.clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
    }
  })

  test("shows why the network, or the app's token, failed", async () => {
    const server = new ScriptedServer()
    server.way = () => Promise.reject(new LfError("ROUTE_MISSING", "404"))
    const { session } = await server.session()
    expect(session.state).toMatchObject({ status: "error", error: { code: "ROUTE_MISSING", message: "404" } })
    session.stop()
    expect(server.clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
    const other = await new ScriptedServer().session({ token: () => Promise.reject(new Error("no session")) })
    expect(other.session.state).toMatchObject({ status: "error", error: { code: "WORKER_FAILED" } })
    other.session.stop()
  })
})

describe("a hello", () => {
  test("has the document, its schema and the token, which is asked for at every connection", async () => {
    const server = new ScriptedServer()
    let asked = 0
    const { session, local } = await server.session({ token: async () => `token ${++asked}` })
    const schema = local.mutator.migrations.map(({ hash }) => hash)
    const rest = { docId: "d", secret: local.secret, epoch: "", cursor: 0, schema, protocol: PROTOCOL_VERSION }
    expect(server.received[0]).toEqual({ type: "hello", token: "token 1", ...rest })
    server.pipes[0].close("bye")
    await server.pass(250)
    expect(server.received.filter(({ type }) => type === "hello").at(-1)).toMatchObject({ token: "token 2" })
    session.stop()
  })

  test("has an empty token where the app gives none", async () => {
    for (const given of [{}, { token: async () => null }]) {
      const server = new ScriptedServer()
      const { session } = await server.session(given)
      expect(server.received[0]).toMatchObject({ token: "" })
      session.stop()
    }
  })

  test("is not sent with a token that is too large; the largest goes (S7)", async () => {
    const [server, other] = [new ScriptedServer(), new ScriptedServer()]
    const large = await server.session({ token: async () => "ä".repeat(TOKEN_BYTES_MAX / 2) })
    expect([large.session.state.status, server.count("hello")]).toEqual(["connected", 1])
    const larger = await other.session({ token: async () => `${"ä".repeat(TOKEN_BYTES_MAX / 2)}a` })
    const message = `expected a token of at most ${TOKEN_BYTES_MAX} bytes, auth() gave ${TOKEN_BYTES_MAX + 1}`
    expect(larger.session.state).toMatchObject({ status: "error", error: { code: "TOKEN_TOO_LARGE", message } })
    expect([other.received, other.askedAtMs]).toEqual([[], []])
    for (const { session } of [large, larger]) session.stop()
  })
})

describe("a welcome", () => {
  test("of another user is refused; without a user of its own the document takes any (T25)", async () => {
    const connect = async (user: string | null | undefined, welcomed: string | null) => {
      const server = new ScriptedServer()
      server.welcome = { user: welcomed }
      const local = await server.local()
      await local.run("Add", { id: "1", title: "one" }).durable
      const { session } = await server.session(user === undefined ? { local } : { local, user })
      await server.pass(0)
      session.stop()
      return [session.state.status, session.state.error?.code, server.count("sync-mutations")]
    }
    expect(await connect("ann", "ann")).toEqual(["connected", undefined, 1])
    for (const other of ["bob", null]) expect(await connect("ann", other)).toEqual(["needs-auth", "AUTH_REQUIRED", 0])
    for (const none of [null, undefined]) expect(await connect(none, "bob")).toEqual(["connected", undefined, 1])
  })

  test("with another schema is refused, by what differs (T15)", async () => {
    const [own] = (await new ScriptedServer().local()).mutator.migrations
    for (const [schema, code, status] of [
      [[own.hash, "more"], "SCHEMA_NEWER", "needs-update"],
      [["other"], "MIGRATION_EDITED", "error"],
      [[], "SERVER_OLDER", "offline"],
    ] as const) {
      const server = new ScriptedServer()
      server.welcome = { schema }
      const { session } = await server.session()
      expect(session.state).toMatchObject({ status, error: { code } })
      expect([server.ends, server.count("sync-storage")]).toEqual([["done"], 0])
      session.stop()
    }
  })

  test("makes it connected, and up to date only where the document is the server's", async () => {
    const server = new ScriptedServer()
    const { session, states } = await server.session()
    expect(session.state).toEqual({ status: "connected", ...quiet })
    expect(states.length).toBe(1)
    expect(server.received.at(-1)).toEqual({
      type: "sync-storage",
      cursor: lsn(0),
      outcomesSeen: lsn(0),
      resumeLsn: lsn(0),
      resumePages: 0,
    })
    session.stop()
  })
})
