import { MemoryDisk } from "@lf/core/internal"
import { afterEach, describe, expect, test, vi } from "vitest"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { boundedLog } from "../log/log.ts"
import { wsNetwork } from "../node/ws-network.ts"
import { cleanUp, startClient, startServer, until } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"
import { LIMITS, limitsOf } from "./limits.ts"

afterEach(async () => {
  await cleanUp()
  vi.restoreAllMocks()
})

const from = (address: string) => ({ headers: { "x-forwarded-for": address } })
const addition = (i: number) => {
  const uid = `00000000-0000-7000-8000-${String(i).padStart(12, "0")}`
  return mutationCodec.encode({ uid, name: "Add", args: { id: String(i), title: "t" }, at: 1 })
}

test("a limit that is unknown or no number above 0 is refused when the server starts (I17)", () => {
  expect(limitsOf({ framesPerSecond: 5 })).toEqual({ ...LIMITS, framesPerSecond: 5 })
  expect(() => limitsOf({ framesPerSecond: 0 })).toThrow(TypeError)
  expect(() => limitsOf({ framesPerSecond: Number.NaN })).toThrow(TypeError)
  expect(() => limitsOf({ toString: 5 } as object)).toThrow(TypeError)
})

describe("sockets (S7)", () => {
  test("one address has so many; when one closes the next may come; others never notice", async () => {
    const { url } = await startServer({ trustProxy: 1, limits: { connectionsPerAddressMax: 2 } })
    const first = await rawClient(url, from("1.1.1.1"))
    await rawClient(url, from("1.1.1.1"))
    await expect(rawClient(url, from("1.1.1.1"))).rejects.toThrow("429")
    await rawClient(url, from("2.2.2.2"))
    first.socket.close()
    await until(
      () =>
        rawClient(url, from("1.1.1.1")).then(
          () => true,
          () => false,
        ),
      "room again",
    )
  })

  test("one address opens so many per minute", async () => {
    const { url } = await startServer({ trustProxy: 1, limits: { upgradesPerAddressPerMinute: 3 } })
    for (let i = 0; i < 3; i++) (await rawClient(url, from("1.1.1.1"))).socket.terminate()
    await expect(rawClient(url, from("1.1.1.1"))).rejects.toThrow("429")
    await rawClient(url, from("2.2.2.2"))
  })

  test("the process has so many", async () => {
    const { url } = await startServer({ limits: { connectionsMax: 1 } })
    const first = await rawClient(url)
    await expect(rawClient(url)).rejects.toThrow("429")
    first.socket.terminate()
    await until(
      () =>
        rawClient(url).then(
          () => true,
          () => false,
        ),
      "room again",
    )
  })

  test("requests through a proxy that is not configured are logged once", async () => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const { url } = await startServer({ limits: { connectionsMax: 1 } })
    await rawClient(url)
    for (let i = 0; i < 2; i++) await expect(rawClient(url, from("1.1.1.1"))).rejects.toThrow("429")
    expect(said.mock.calls.filter(([line]) => String(line).includes("trustProxy"))).toHaveLength(1)
  })

  test("one that never says hello is closed in time", async () => {
    const { url } = await startServer({ limits: { helloMsMax: 50 } })
    expect(await (await rawClient(url)).closed).toBe("no hello")
  })

  test("what follows a hello before its answer is bounded in bytes", async () => {
    const { url } = await startServer({ authenticate: () => new Promise(() => {}) })
    const raw = await rawClient(url)
    raw.hello()
    raw.socket.send(new Uint8Array(100 * 1024))
    expect(await raw.closed).toBe("RATE_LIMITED")
  })
})

describe("principals (S7)", () => {
  test.each([
    ["connectionsPerPrincipalMax", "doc"],
    ["documentsPerPrincipalMax", "third"],
  ] as const)("%s: RATE_LIMITED, and its client gets in when there is room", async (name, docId) => {
    const { url } = await startServer({ limits: { [name]: 2 } })
    const open = ["doc", name === "connectionsPerPrincipalMax" ? "doc" : "second"]
    const raws = await Promise.all(
      open.map(async (docId, i) => {
        const raw = await rawClient(url)
        raw.hello({ docId, token: "ann", secret: new Uint8Array(32).fill(i + 1) })
        await raw.receives("welcome")
        return raw
      }),
    )
    const over = await rawClient(url)
    over.hello({ docId, token: "ann" })
    expect(await over.closed).toBe("RATE_LIMITED")
    const other = await rawClient(url)
    other.hello({ docId, token: "bo" })
    await other.receives("welcome")
    const waiting = await startClient(url, { docId, user: "ann" })
    const receipt = waiting.add("1")
    raws[1].socket.close()
    expect(await receipt.remote).toMatchObject({ type: "applied" })
  })

  test("mutations over their rate wait, are not refused, and pings are answered meanwhile", async () => {
    const { url } = await startServer({ limits: { mutationsPerSecond: 100 } })
    const raw = await rawClient(url)
    raw.hello({ token: "ann" })
    await raw.receives("welcome")
    const startedMs = performance.now()
    raw.push(Array.from({ length: 500 }, (_, i) => addition(i)))
    raw.send({ type: "ping" })
    await raw.receives("pong")
    expect(raw.said.map(({ type }) => type)).not.toContain("cursor")
    expect(await raw.receives("cursor")).toMatchObject({ lsn: 500 })
    expect(performance.now() - startedMs).toBeGreaterThan(900)
  })

  test("by default 5,000 mutations made offline and a burst of 1,000 behind them lose nothing", async () => {
    const { url, lf } = await startServer()
    const disk = new MemoryDisk()
    const client = await startClient(wsNetwork(url), { user: "ann", disk })
    client.session.setOnline(false)
    for (let i = 0; i < 5_000; i++) client.add(`offline ${i}`)
    client.session.setOnline(true)
    const burst = Array.from({ length: 1_000 }, (_, i) => client.add(`burst ${i}`))
    const last = burst[burst.length - 1]
    expect(await last.remote).toMatchObject({ type: "applied" })
    const count = { sql: "select count(*) as n from todos", parameters: [] }
    expect(await lf.document("doc", { as: "system" }).query(count)).toEqual([{ n: 6_000 }])
    expect(client.local.pendingCount).toBe(0)
    expect(client.session.state.status).toBe("connected")
  }, 60_000)

  test("one writer's thousands do not hold up another document (I20)", async () => {
    const { url } = await startServer()
    const [bulk, other] = [await rawClient(url), await rawClient(url)]
    bulk.hello({ token: "ann", docId: "bulk" })
    other.hello({ token: "bo", docId: "other" })
    await Promise.all([bulk.receives("welcome"), other.receives("welcome")])
    const order: string[] = []
    for (let push = 0; push < 5; push++) bulk.push(Array.from({ length: 1_000 }, (_, i) => addition(1_000 * push + i)))
    const cursors = () => bulk.said.filter(({ type }) => type === "cursor").length
    const isDone = until(() => cursors() === 5, "all are taken").then(() => order.push("bulk"))
    for (let i = 0; i < 3; i++) {
      other.said.length = 0
      other.push([addition(i)])
      await other.receives("cursor")
      order.push("other")
    }
    await isDone
    // The first one may have been served before the thousands began.
    expect(order.indexOf("bulk")).toBeGreaterThan(1)
  })

  test("frames that wait are bounded in bytes", async () => {
    const { url } = await startServer({ limits: { mutationsPerSecond: 1 } })
    const raw = await rawClient(url)
    raw.hello({ token: "ann" })
    await raw.receives("welcome")
    raw.push(Array.from({ length: 50 }, (_, i) => addition(i)))
    for (let i = 0; i < 3; i++) raw.socket.send(new Uint8Array(1_000_000))
    expect(await raw.closed).toBe("RATE_LIMITED")
  })
})

test("the log lines that clients can cause are bounded (S7, S16)", () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true)
  const log = boundedLog()
  for (let i = 0; i < 5_000; i++) log({ level: "error", event: "authenticate-failed" })
  expect(written.mock.calls.length).toBeLessThanOrEqual(600)
  expect(String(written.mock.calls.at(-1)?.[0])).toContain("events-left-out")
})
