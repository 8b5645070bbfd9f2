import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import type { Chunk, SyncMutations } from "../network/message.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { type Say, ScriptedServer, ServerDocument } from "../testing/scripted-server.ts"
import type { Local } from "./local.ts"

beforeAll(loadChecksum)

/** An empty document at position 1, in two parts. */
async function twoParts(): Promise<readonly [Chunk, Chunk]> {
  const all = (await ServerDocument.open()).whole(1)
  const part = (from: number, to: number): Chunk => ({
    ...all,
    isLast: to === all.count,
    bytesTotal: 100_000,
    pageNo: from + 1,
    count: to - from,
    block: all.block.slice(from * PAGE_BYTES, to * PAGE_BYTES),
  })
  return [part(0, 1), part(1, all.count)]
}

/** A server that has an empty document, and says the second part of it when it is called. */
async function withDocument() {
  const server = new ScriptedServer()
  const [first, second] = await twoParts()
  const says: Say[] = []
  server.welcome = { lsn: lsn(1) }
  server.answer = (message, say) => {
    if (message.type !== "sync-storage") return server.takeAll(message, say)
    if (message.cursor === 0) say(first)
    says.push(say)
  }
  return { server, first, second, finish: () => says.at(-1)?.(second) }
}

const add = (local: Local, count: number, bytes = 1) =>
  Array.from({ length: count }, (_, i) =>
    local.run("Add", { id: `${local.pendingRange.lsn}.${i}`, title: "x".repeat(bytes) }),
  )

const pushed = (server: ScriptedServer) =>
  server.received.filter((message): message is SyncMutations => message.type === "sync-mutations")

describe("a session that is connected", () => {
  test("shows how far the first sync is, and is up to date when all has come", async () => {
    const { server, finish } = await withDocument()
    const { session, local } = await server.session()
    expect(session.state).toMatchObject({ status: "connected", isUpToDate: false, firstSync: { bytesTotal: 100_000 } })
    finish()
    await server.pass(0)
    expect(session.state).toEqual({ status: "connected", error: null, isUpToDate: true, firstSync: null })
    expect([local.epoch, local.cursor]).toEqual(["e", 1])
    server.pipes[0].close("bye")
    await server.pass(0)
    expect(session.state).toMatchObject({ status: "offline", error: { message: "bye" }, isUpToDate: false })
    await server.pass(250)
    expect(session.state).toEqual({ status: "connected", error: null, isUpToDate: true, firstSync: null })
    session.stop()
  })

  test("is not up to date with a server that is ahead, or has another document", async () => {
    const { server, finish } = await withDocument()
    const { session, states, local } = await server.session()
    finish()
    await server.pass(0)
    for (const welcome of [{ lsn: lsn(2) }, { lsn: lsn(0), epoch: "other" }]) {
      server.welcome = welcome
      states.length = 0
      server.pipes.at(-1)?.close("bye")
      await server.pass(250)
      expect(states.map(({ status, isUpToDate }) => [status, isUpToDate])).toEqual([
        ["offline", false],
        ["connected", false],
        ...(welcome.epoch === undefined ? [] : [["connected", false]]),
      ])
    }
    expect(local.cursor).toBe(0)
    session.stop()
  })

  test("shows no progress of a later sync, nor one after the connection ended", async () => {
    const { server, first, second, finish } = await withDocument()
    const { session } = await server.session()
    server.pipes[0].close("bye")
    await server.pass(0)
    expect(session.state.firstSync).toBeNull()
    await server.pass(250)
    expect(session.state.firstSync).not.toBeNull()
    finish()
    await server.pass(0)
    const say = server.answer
    server.answer = (message, to) => (message.type === "sync-storage" ? to({ ...first, to: lsn(2) }) : say(message, to))
    server.pipes[1].close("bye")
    await server.pass(250)
    expect([session.state.status, session.state.firstSync, second.isLast]).toEqual(["connected", null, true])
    session.stop()
  })

  test("is not up to date by a write that ends after the connection", async () => {
    const { server, finish } = await withDocument()
    let write: () => void = () => {}
    let isSlow = false
    const disk = new MemoryDisk(() => (isSlow ? new Promise<void>((resolve) => (write = resolve)) : Promise.resolve()))
    const local = await server.local(disk)
    const { session, states } = await server.session({ local })
    isSlow = true
    finish()
    await server.pass(0)
    server.pipes[0].close("bye")
    await server.pass(0)
    expect(session.state.status).toBe("offline")
    states.length = 0
    isSlow = false
    write()
    await server.pass(0)
    expect(states).toEqual([])
    session.stop()
  })

  test("pings while it is answered, and drops a server that is silent for two beats (T22)", async () => {
    const server = new ScriptedServer()
    const { session } = await server.session()
    await server.pass(60_000)
    expect([session.state.status, server.count("ping")]).toEqual(["connected", 6])
    session.poke()
    await server.pass(0)
    expect(server.count("ping")).toBe(7)
    server.answer = () => {}
    await server.pass(19_999)
    expect(session.state.status).toBe("connected")
    await server.pass(1)
    expect(session.state).toMatchObject({ status: "offline", error: { message: "the server does not answer" } })
    expect(server.ends).toEqual(["the server does not answer"])
    session.stop()
  })

  test("pings once per beat after it was connected again", async () => {
    const server = new ScriptedServer()
    const { session } = await server.session()
    server.pipes[0].close("bye")
    await server.pass(5_000)
    const before = server.count("ping")
    await server.pass(20_000)
    expect(server.count("ping") - before).toBe(2)
    session.stop()
    await server.pass(0)
    expect(server.clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
  })
})

describe("a session that is sent away", () => {
  test("goes offline at once and comes back at once, also twice in a row", async () => {
    const server = new ScriptedServer()
    const { session, states } = await server.session()
    states.length = 0
    for (const isOnline of [false, false, true, true]) {
      session.setOnline(isOnline)
      await server.pass(0)
    }
    expect(states.map(({ status, error }) => [status, error])).toEqual([
      ["offline", null],
      ["connected", null],
    ])
    expect([server.ends, server.askedAtMs]).toEqual([["went offline"], [0, 0]])
    await server.pass(60_000)
    session.setOnline(false)
    await server.pass(600_000)
    expect([session.state.status, server.askedAtMs.length]).toEqual(["offline", 2])
    session.stop()
    await server.pass(0)
    expect(server.askedAtMs.length).toBe(2)
  })

  test("sends nothing over a connection made after it went offline or stopped", async () => {
    for (const leave of ["offline", "stop"]) {
      const server = new ScriptedServer()
      let arrive: () => void = () => {}
      server.way = () => new Promise((resolve) => (arrive = resolve))
      const { session, states } = await server.session()
      if (leave === "stop") session.stop()
      else session.setOnline(false)
      arrive()
      await server.pass(0)
      expect([server.received, server.ends]).toEqual([[], ["went offline"]])
      expect(states.map(({ status, error }) => [status, error])).toEqual(leave === "stop" ? [] : [["offline", null]])
      session.stop()
    }
  })

  test("stops for good: it closes, sends nothing more, and leaves no timer", async () => {
    const server = new ScriptedServer()
    const { session, states, local } = await server.session()
    const before = states.length
    session.stop()
    session.poke()
    session.setOnline(false)
    session.setOnline(true)
    await server.pass(60_000)
    expect([states.length - before, server.ends, server.askedAtMs]).toEqual([0, ["stopped"], [0]])
    expect(server.clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
    expect(local.failure).toBeNull()
  })

  test("stops while it waits for the next try, and when that is about to begin", async () => {
    for (const isAtOnce of [true, false]) {
      const server = new ScriptedServer()
      server.answer = (_, say) => say({ type: "refuse", code: "SERVER_CLOSING", message: "no" })
      const local = await server.local()
      let stop: () => void = () => {}
      const { session } = await server.session({ local, onChange: () => isAtOnce && stop() })
      stop = () => session.stop()
      session.poke()
      await server.pass(0)
      if (!isAtOnce) session.stop()
      expect(server.clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
      await server.pass(60_000)
      expect(server.askedAtMs.length).toBe(2)
    }
  })
})

describe("a session that pushes", () => {
  const bytesOf = (message: SyncMutations) => {
    let bytes = 0
    for (const entry of message.batch.entries) bytes += entry.length
    return Math.round(bytes / 1024)
  }

  test("begins with 64 KB however often there was nothing to push, and doubles while it goes fast", async () => {
    const server = new ScriptedServer()
    const { session, local } = await server.session()
    for (let i = 0; i < 4; i++) await local.dismiss("what is not there")
    await server.pass(0)
    add(local, 1_000, 2_000)
    await server.pass(0)
    // The first one was durable alone, and doubled the 64 KB.
    expect(pushed(server).map(bytesOf).slice(0, 5)).toEqual([2, 127, 255, 508, 508])
    session.stop()
  })

  test("halves what it pushes while answers take long (T22)", async () => {
    const server = new ScriptedServer()
    server.answer = (message, say) => {
      if (message.type !== "sync-mutations") server.takeAll(message, say)
      else server.clock.after(2_000, () => server.takeAll(message, say))
    }
    const local = await server.local()
    add(local, 300, 2_000)
    const { session } = await server.session({ local })
    await server.pass(9_000)
    // The first one was durable alone.
    expect(pushed(server).map(bytesOf)).toEqual([2, 30, 14, 14, 14])
    session.stop()
  })

  test("leaves a server that has no room alone for a second", async () => {
    const server = new ScriptedServer()
    const atMs: number[] = []
    server.answer = (message, say) => {
      if (message.type !== "sync-mutations") return server.takeAll(message, say)
      atMs.push(server.clock.nowMs)
      say({ type: "cursor", lsn: lsn(message.batch.from + (atMs.length < 3 ? 0 : 1)) })
    }
    const local = await server.local()
    add(local, 1)
    const { session } = await server.session({ local })
    await server.pass(5_000)
    expect(atMs).toEqual([0, 1_000, 2_000])
    session.stop()
  })

  test("goes on under a new id at once without an error, but not twice in a row (T1)", async () => {
    const server = new ScriptedServer()
    server.answer = (message, say) => {
      if (message.type === "sync-mutations") say({ type: "fork", common: lsn(0) })
      else server.takeAll(message, say)
    }
    const local = await server.local()
    add(local, 1)
    await server.pass(0)
    const { session, states } = await server.session({ local })
    expect(server.askedAtMs).toEqual([0, 0])
    expect(states.map(({ status }) => status)).toEqual(["connected", "connected", "offline"])
    const secrets = server.received.flatMap((message) => (message.type === "hello" ? [message.secret.join()] : []))
    expect(new Set(secrets).size).toBe(2)
    expect(server.ends).toEqual(["this client has a new id", "this client has a new id"])
    await server.pass(250)
    expect(server.askedAtMs).toEqual([0, 0, 250, 250])
    session.stop()
  })
})
