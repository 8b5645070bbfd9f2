import { once } from "node:events"
import { LfError } from "@lf/core"
import { MemoryDisk, PROTOCOL_VERSION } from "@lf/core/internal"
import { afterEach, describe, expect, test, vi } from "vitest"
import { WebSocket } from "ws"
import type { AuthorizeRequest } from "./auth/access-control.ts"
import { closeAllLf, createLf } from "./create-lf.ts"
import { wsNetwork } from "./node/ws-network.ts"
import { Add, cleanUp, mutator, startClient, startServer, titlesQuery, type User, until } from "./testing/fixture.ts"

afterEach(async () => {
  await cleanUp()
  vi.unstubAllEnvs()
})

describe("documents on a socket", () => {
  test("two clients converge, on equal pages (I5, I19)", async () => {
    const { url, lf } = await startServer()
    const [a, b] = [await startClient(url), await startClient(url, { user: "bo" })]
    for (let i = 0; i < 50; i++) {
      a.add(`a${i}`)
      b.add(`b${i}`)
    }
    await until(() => a.titles().length === 100 && b.titles().length === 100, "both have all")
    await until(() => a.local.pendingCount + b.local.pendingCount === 0, "nothing is pending")
    await until(() => a.local.cursor === b.local.cursor, "both are up to date")
    expect(a.local.base).toEqual(b.local.base)
    const server = lf.document("doc", { as: "system" })
    expect(await server.query(titlesQuery)).toHaveLength(100)
    const rows = a.local.query<{ author: string | null }>({
      sql: "select distinct author from todos order by author",
      parameters: [],
    })
    expect(rows).toEqual([{ author: null }, { author: "bo" }])
  })

  test("a restarted server has all data, and its clients reconnect by themselves (I3, I9)", async () => {
    const first = await startServer()
    const disk = new MemoryDisk()
    const client = await startClient(first.url, { disk })
    const early = client.add("1")
    expect(await early.remote).toMatchObject({ type: "applied" })
    await first.stop()
    const late = client.add("2")
    const second = await startServer({ dataDir: first.dataDir, path: first.path, port: first.port })
    client.session.poke()
    expect(await late.remote).toMatchObject({ type: "applied" })
    expect(await second.lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([
      { title: "1" },
      { title: "2" },
    ])
  })

  test("stops under load lose and double nothing, from sockets and from this process (I9)", async () => {
    let server = await startServer()
    const { dataDir, path, port, url } = server
    const clients = [await startClient(url), await startClient(url)]
    const sent: string[] = []
    const outcomes: Promise<unknown>[] = []
    const doubtful = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const load = setInterval(() => {
        for (const client of clients) {
          const id = `c${sent.length}`
          sent.push(id)
          outcomes.push(client.add(id).remote)
        }
        const id = `s${sent.length}`
        const asked = server.lf.document("doc", { as: "system" }).mutate(Add, { id, title: id })
        outcomes.push(
          asked.then(
            () => sent.push(id),
            // A call during the stop may get no answer: then it happened once or not at all.
            (error: unknown) => {
              expect(error).toMatchObject({ code: expect.stringMatching(/^(SERVER_CLOSING|DOC_STOPPED|LOG_CLOSED)$/) })
              doubtful.add(id)
            },
          ),
        )
      }, 1)
      const before = outcomes.length
      await until(() => outcomes.length > before + 150, "there was load")
      await server.stop()
      clearInterval(load)
      server = await startServer({ dataDir, path, port })
      for (const { session } of clients) session.poke()
    }
    await Promise.all(outcomes)
    const rows = await server.lf.document("doc", { as: "system" }).query(titlesQuery)
    const found = rows.map(({ title }) => title)
    expect(new Set(found).size).toBe(found.length)
    expect(found.filter((id) => !doubtful.has(id)).toSorted()).toEqual(sent.toSorted())
    await until(() => clients.every((client) => client.titles().length === found.length), "clients have all")
  })

  test("malformed frames close with FRAME_MALFORMED before and after hello; others go on (S5)", async () => {
    const { url } = await startServer()
    const client = await startClient(url)
    expect(await client.add("1").remote).toMatchObject({ type: "applied" })
    const garbage = [
      new Uint8Array([]),
      new Uint8Array([1, 2, 3]),
      new Uint8Array([0x1f, 99]),
      new Uint8Array([0x1f, 1, 0xff]),
    ]
    for (const bytes of garbage) {
      const socket = new WebSocket(url)
      await once(socket, "open")
      socket.send(bytes)
      const [, reason] = await once(socket, "close")
      expect(String(reason)).toBe("FRAME_MALFORMED")
    }
    expect(await client.add("2").remote).toMatchObject({ type: "applied" })
    expect(client.session.state.status).toBe("connected")
  })
})

describe("access rights", () => {
  const only = (rule: (request: AuthorizeRequest<User>) => boolean) => startServer({ authorize: rule })
  const stateOf = async (url: string, docId: string, user: string | null) => {
    const { session } = await startClient(url, { docId, ...(user === null ? {} : { user }) })
    await until(() => session.state.status !== "connecting", "the server answered")
    return { status: session.state.status, code: session.state.error?.code }
  }

  test("a user without read access is FORBIDDEN; no document is created (S3)", async () => {
    const { url, lf, dataDir } = await only(({ principal }) => principal?.id === "owner")
    await lf.document("there", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    expect(await stateOf(url, "there", "stranger")).toEqual({ status: "error", code: "FORBIDDEN" })
    expect(await stateOf(url, "absent", "stranger")).toEqual({ status: "error", code: "FORBIDDEN" })
    expect(await stateOf(url, "absent", null)).toEqual({ status: "error", code: "FORBIDDEN" })
    expect(await documentsIn(dataDir)).toEqual(["there"])
    expect(await stateOf(url, "there", "owner")).toEqual({ status: "connected", code: undefined })
  })

  test("a user who may not create reads existing documents and is FORBIDDEN others", async () => {
    const { url, lf, dataDir } = await only(({ action }) => action === "read")
    await lf.document("there", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    expect(await stateOf(url, "there", "stranger")).toMatchObject({ status: "connected" })
    expect(await stateOf(url, "absent", "stranger")).toEqual({ status: "error", code: "FORBIDDEN" })
    expect(await documentsIn(dataDir)).toEqual(["there"])
  })

  test("a mutation that authorize refuses is MUTATION_FORBIDDEN, and later ones apply (I10)", async () => {
    const { url } = await only(({ action, mutation }) => action !== "write" || mutation !== "Remove")
    const client = await startClient(url)
    client.add("1")
    const refused = client.local.run("Remove", { id: "1" })
    const later = client.add("2")
    expect(await refused.remote).toMatchObject({ type: "rejected", code: "MUTATION_FORBIDDEN" })
    expect(await later.remote).toMatchObject({ type: "applied" })
    expect(client.titles()).toEqual(["1", "2"])
    expect(client.local.rejections).toMatchObject([{ name: "Remove", code: "MUTATION_FORBIDDEN" }])
  })

  test("a right that was taken away ends with the next batch, on the same connection (I18)", async () => {
    let mayWrite = true
    const { url } = await only(({ action }) => action !== "write" || mayWrite)
    const client = await startClient(url)
    expect(await client.add("1").remote).toMatchObject({ type: "applied" })
    mayWrite = false
    expect(await client.add("2").remote).toMatchObject({ type: "rejected", code: "MUTATION_FORBIDDEN" })
  })

  test("a reader who loses access is disconnected soon, and readmitted when it returns (S2)", async () => {
    let mayRead = true
    const { url } = await startServer({ authorize: () => mayRead, limits: { recheckMs: 20 } })
    const client = await startClient(url)
    await until(() => client.session.state.status === "connected", "accepted")
    mayRead = false
    await until(() => client.session.state.error?.code === "FORBIDDEN", "sent away")
    mayRead = true
    client.session.poke()
    await until(() => client.session.state.status === "connected", "readmitted")
  })

  test("a client id that is bound to another user is refused (S4)", async () => {
    const { url } = await startServer()
    const disk = new MemoryDisk()
    const first = await startClient(url, { user: "ann", disk })
    expect(await first.add("1").remote).toMatchObject({ type: "applied" })
    first.session.stop()
    await first.local.close()
    const { session } = await startClient(url, { user: "bo", disk })
    await until(() => session.state.status === "error", "refused")
    expect(session.state.error?.code).toBe("CLIENT_PROOF")
  })

  test("authenticate gets token, cookies and address; a refusal or throw is a bare AUTH_REQUIRED", async () => {
    const seen: unknown[] = []
    const { url } = await startServer({
      authenticate: async ({ headers, url, token }) => {
        seen.push([headers.get("cookie"), url.pathname + url.search, token])
        if (token === "denied") throw new LfError("AUTH_REQUIRED", "secret reasons")
        if (token === "broken") throw new TypeError("secret database at 10.0.0.1")
        return { id: "ann" }
      },
    })
    const origin = url.replace("ws:", "http:").replace(/\/lf-.*/, "")
    const network = wsNetwork(`${url}?a=1`, { origin, headers: { cookie: "session=7" } })
    for (const user of ["denied", "broken"]) {
      const { session } = await startClient(network, { user })
      await until(() => session.state.status === "needs-auth", "refused")
      expect(session.state.error).toMatchObject({ code: "AUTH_REQUIRED" })
      expect(session.state.error?.message).not.toContain("secret")
    }
    const { session } = await startClient(network, { user: "fine" })
    await until(() => session.state.status === "connected", "accepted")
    expect(seen[0]).toEqual(["session=7", `${new URL(url).pathname}?a=1`, "denied"])
  })

  test("authorize that throws is neither yes nor no: the client stays pending and comes back", async () => {
    let isBroken = true
    let asked = 0
    const { url } = await only(({ action }) => {
      if (action === "write") asked++
      if (isBroken && action === "write") throw new Error("the database of rights is away")
      return true
    })
    const client = await startClient(url)
    const receipt = client.add("1")
    await until(() => asked >= 2, "sent away, and back again")
    expect(client.local.rejections).toEqual([])
    isBroken = false
    client.session.poke()
    expect(await receipt.remote).toMatchObject({ type: "applied" })
  })

  test("without authorize production does not start", () => {
    vi.stubEnv("NODE_ENV", "production")
    expect(() => createLf({ mutator, authenticate: () => null })).toThrow(
      expect.objectContaining({ code: "AUTHORIZE_MISSING" }),
    )
  })
})

describe("starting and stopping", () => {
  test("handlers answer the client's first GET, and POST with a code", async () => {
    const { lf } = await startServer()
    const request = new Request("http://localhost/api/lf")
    const hello = await lf.handlers.GET(request)
    expect([hello.status, await hello.json(), hello.headers.get("cache-control")]).toEqual([
      200,
      { ok: true, protocol: PROTOCOL_VERSION },
      "no-store",
    ])
    const post = await lf.handlers.POST(new Request(request, { method: "POST" }))
    expect([post.status, await post.json()]).toMatchObject([426, { code: "WEBSOCKET_REQUIRED" }])
  })

  test("two bundles' copies share a directory's documents; closing one closes both, idempotently", async () => {
    const first = await startServer()
    const copy = createLf<User>({
      mutator,
      dataDir: first.dataDir,
      path: `${first.path}-copy`,
      authenticate: () => null,
      authorize: () => true,
    })
    await first.lf.document("doc", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    expect(await copy.document("doc", { as: "system" }).query(titlesQuery)).toEqual([{ title: "one" }])
    await Promise.all([copy.close(), first.lf.close(), closeAllLf()])
    await expect(first.lf.document("doc", { as: "system" }).query(titlesQuery)).rejects.toMatchObject({
      code: "SERVER_CLOSING",
    })
  })

  test("while the app is built nothing is locked, opened or claimed", async () => {
    vi.stubEnv("NEXT_PHASE", "phase-production-build")
    const { lf, url, dataDir } = await startServer()
    const doc = lf.document("doc", { as: "system" })
    for (const read of [doc.prefetch(titlesQuery), doc.query(titlesQuery), doc.mutate(Add, { id: "1", title: "one" })])
      await expect(read).rejects.toMatchObject({ code: "BUILD_TIME_READ" })
    await expect(wsNetwork(url).connect()).rejects.toMatchObject({ code: "SERVER_CLOSING" })
    expect(await documentsIn(dataDir)).toEqual([])
  })
})

async function documentsIn(dataDir: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises")
  return readdir(`${dataDir}/docs`).catch(() => [])
}
