import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ownDocId } from "@lf/core"
import { clientIdOf, MemoryDisk } from "@lf/core/internal"
import { afterEach, describe, expect, test, vi } from "vitest"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { createLf } from "../create-lf.ts"
import { wsNetwork } from "../node/ws-network.ts"
import { Add, cleanUp, mutator, startClient, startServer, titlesQuery, type User, until } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"

afterEach(async () => {
  await cleanUp()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const soon = { recheckMs: 20 }
const addition = (id: string) =>
  mutationCodec.encode({
    uid: `00000000-0000-7000-8000-${id.padStart(12, "0")}`,
    name: "Add",
    args: { id, title: id },
    at: 1,
  })

describe("a user's own document", () => {
  test("is for that user alone, whatever authorize says; the system may read it too", async () => {
    const asked: string[] = []
    const { lf } = await startServer({ authorize: ({ doc }) => asked.push(doc) > 0 })
    const own = ownDocId("ann")
    const as = (principal: User | null | "system") => lf.document(own, { as: principal })
    expect(await as({ id: "ann" }).mutate(Add, { id: "1", title: "draft" })).toMatchObject({ type: "applied" })
    expect(await as({ id: "bo" }).mutate(Add, { id: "2", title: "spy" })).toMatchObject({ code: "MUTATION_FORBIDDEN" })
    for (const other of [{ id: "bo" }, null])
      await expect(as(other).query(titlesQuery)).rejects.toMatchObject({ code: "FORBIDDEN" })
    expect(await as("system").query(titlesQuery)).toEqual([{ title: "draft" }])
    expect(asked).toEqual([])
  })
})

describe("a user who is signed out is disconnected, also while idle (S2)", () => {
  test("a session that has ended closes its connections with AUTH_REQUIRED", async () => {
    const sessions = new Map([["7", "ann"]])
    const { url } = await startServer({
      limits: soon,
      authenticate: ({ headers }) => {
        const id = sessions.get(headers.get("cookie")?.split("=")[1] ?? "")
        return id === undefined ? null : { id }
      },
      authorize: ({ principal }) => principal !== null,
    })
    const headers = { cookie: "session=7" }
    const raw = await rawClient(url, { headers, origin: url.replace("ws:", "http:").replace(/\/lf-.*/, "") })
    raw.hello()
    await raw.receives("welcome")
    sessions.clear()
    expect(await raw.closed).toBe("AUTH_REQUIRED")
  })

  test("an expired token closes; a client that gets a fresh one comes back and loses nothing", async () => {
    let valid = "first"
    const { url, lf } = await startServer({
      limits: soon,
      authenticate: ({ token }) => {
        if (token !== valid) throw new TypeError("jwt expired")
        return { id: "ann" }
      },
    })
    const client = await startClient(url, { user: "first" })
    expect(await client.add("1").remote).toMatchObject({ type: "applied" })
    valid = "second"
    await until(() => client.session.state.status === "needs-auth", "its token is refused")
    valid = "first"
    const late = client.add("2")
    client.session.poke()
    expect(await late.remote).toMatchObject({ type: "applied" })
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toHaveLength(2)
  })

  test("a principal that changed but for its id counts from the next recheck on (I18)", async () => {
    const role = { of: "editor" }
    const roles = new WeakMap<object, string>()
    const { url, lf } = await startServer({
      authenticate: () => {
        const principal = { id: "ann" }
        roles.set(principal, role.of)
        return principal
      },
      authorize: ({ principal, action }) =>
        action !== "write" || (principal !== null && roles.get(principal) === "editor"),
    })
    const raw = await rawClient(url)
    raw.hello()
    await raw.receives("welcome")
    role.of = "reader"
    await lf.recheck("ann")
    raw.push([addition("1")])
    expect(await raw.receives("refused")).toMatchObject({ ranges: [{ code: "MUTATION_FORBIDDEN" }] })
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([])
  })

  test("recheck() re-authorizes at once, and only the connections of that user", async () => {
    let isIn = true
    const { url, lf } = await startServer({
      authenticate: ({ token }) => {
        return token === null || (token === "ann" && !isIn) ? null : { id: token }
      },
    })
    const [ann, bo] = [await startClient(url, { user: "ann" }), await rawClient(url)]
    bo.hello({ token: "bo", secret: new Uint8Array(32).fill(9) })
    await bo.receives("welcome")
    await until(() => ann.session.state.status === "connected", "accepted")
    isIn = false
    await lf.recheck("bo")
    expect(ann.session.state.status).toBe("connected")
    await lf.recheck("ann")
    await until(() => ann.session.state.status !== "connected", "sent away")
    bo.send({ type: "ping" })
    await bo.receives("pong")
  })

  test("a timeout denies, also on a recheck", async () => {
    const silence = new Promise<null>(() => {})
    vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const { url } = await startServer({ authenticate: () => silence, limits: { authMsMax: 30 } })
    const raw = await rawClient(url)
    raw.hello()
    expect(await raw.closed).toBe("AUTH_REQUIRED")
    let isSilent = false
    const rights = await startServer({
      authorize: () => (isSilent ? new Promise<boolean>(() => {}) : true),
      limits: { ...soon, authMsMax: 30 },
    })
    const reader = await rawClient(rights.url)
    reader.hello()
    await reader.receives("welcome")
    isSilent = true
    expect(await reader.closed).toBe("AUTHORIZE_FAILED")
  })

  test("a client that loses the right to read is sent no later change (I18)", async () => {
    let mayRead = true
    const { url, lf } = await startServer({
      limits: soon,
      authorize: ({ principal }) => principal?.id !== "bo" || mayRead,
    })
    const writer = await startClient(url, { user: "ann" })
    expect(await writer.add("1").remote).toMatchObject({ type: "applied" })
    const reader = await startClient(url, { user: "bo" })
    await until(() => reader.titles().length === 1, "read")
    mayRead = false
    await lf.recheck("bo")
    expect(await writer.add("2").remote).toMatchObject({ type: "applied" })
    await until(() => reader.session.state.error?.code === "FORBIDDEN", "sent away")
    expect(reader.titles()).toEqual(["1"])
  })
})

describe("default deny (S3)", () => {
  test.each(["AUTHENTICATE_MISSING", "AUTHORIZE_MISSING"])(
    "%s: production does not start, development says it once",
    async (code) => {
      const rest = code === "AUTHORIZE_MISSING" ? { authenticate: () => null } : { authorize: () => true }
      // What plain JavaScript may leave out.
      const options = { mutator, dataDir: "/nowhere", path: "/nowhere", ...rest } as unknown as Parameters<
        typeof createLf<User>
      >[0]
      const said = vi.spyOn(process.stderr, "write").mockReturnValue(true)
      createLf(options)
      createLf(options)
      expect(said.mock.calls.filter(([line]) => String(line).includes("option-missing"))).toHaveLength(1)
      vi.stubEnv("NODE_ENV", "production")
      expect(() => createLf(options)).toThrow(expect.objectContaining({ code }))
    },
  )

  test("a refusal is the same bytes for documents that exist and that do not, without a disk read", async () => {
    const { url, lf, dataDir } = await startServer({ authorize: ({ principal }) => principal?.id === "owner" })
    const refusal = async (docId: string) => {
      const raw = await rawClient(url)
      raw.hello({ docId, token: "stranger" })
      return [await raw.closed, raw.refusals]
    }
    const before = await refusal("doc")
    expect(before[0]).toBe("FORBIDDEN")
    expect(await readdir(dataDir)).toEqual([])
    await lf
      .document("doc", { as: "system" })
      .query(titlesQuery)
      .catch(() => {})
    await writeFile(join(dataDir, "docs"), "to look for a document here fails with ENOTDIR")
    expect(await refusal("doc")).toEqual(before)
  })
})

describe("ownership of client ids (S4)", () => {
  const secret = new Uint8Array(32).fill(5)

  test("an id that was read in the document and is shown without its secret is another id", async () => {
    const { url, lf } = await startServer()
    const ann = await rawClient(url)
    ann.hello({ token: "ann", secret })
    await ann.receives("welcome")
    ann.push([addition("1")])
    await ann.receives("cursor")
    const thief = await rawClient(url)
    const shown = new Uint8Array(32)
    shown.set(Buffer.from(clientIdOf(secret), "hex"))
    thief.hello({ token: "bo", secret: shown })
    expect(await thief.receives("welcome")).toMatchObject({ clientLsn: 0, clientHash: 0n })
    thief.push([addition("2")])
    expect(await thief.receives("cursor")).toMatchObject({ lsn: 1 })
    const again = await rawClient(url)
    again.hello({ token: "ann", secret })
    expect(await again.receives("welcome")).toMatchObject({ clientLsn: 1 })
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toHaveLength(2)
  })

  test.each([["bo"], [""]])("a bound secret shown by %j is CLIENT_PROOF", async (token) => {
    const { url } = await startServer()
    const ann = await rawClient(url)
    ann.hello({ token: "ann", secret })
    await ann.receives("welcome")
    ann.push([addition("1")])
    await ann.receives("cursor")
    const other = await rawClient(url)
    other.hello({ token, secret })
    expect(await other.closed).toBe("CLIENT_PROOF")
  })

  test("connections on an unowned client id are closed when another user writes under it first", async () => {
    const { url, lf } = await startServer()
    const [ann, bo, anonymous] = [await rawClient(url), await rawClient(url), await rawClient(url)]
    for (const [raw, token] of [
      [ann, "ann"],
      [bo, "bo"],
      [anonymous, ""],
    ] as const) {
      raw.hello({ token, secret })
      await raw.receives("welcome")
      raw.ask()
      await raw.receives("chunk")
    }
    ann.push([addition("1")])
    await ann.receives("cursor")
    bo.push([addition("1"), addition("2")])
    anonymous.push([addition("1"), addition("3")])
    expect(await Promise.all([bo.closed, anonymous.closed])).toEqual(["CLIENT_PROOF", "CLIENT_PROOF"])
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([{ title: "1" }])
    ann.push([addition("4")])
    expect(await until(() => ann.said.filter(({ type }) => type === "cursor").length === 2, "ann goes on")).toBe(
      undefined,
    )
  })

  test("signing in with an anonymous client's secret binds it to that user for good (T26)", async () => {
    const { url, lf } = await startServer()
    const disk = new MemoryDisk()
    const before = await startClient(url, { disk })
    expect(await before.add("1").remote).toMatchObject({ type: "applied" })
    before.session.stop()
    before.add("2")
    await before.local.close()
    const after = await startClient(wsNetwork(url), { disk, user: "ann" })
    await until(() => after.local.pendingCount === 0, "what was pending is claimed")
    const authors = { sql: "select title, author from todos order by title", parameters: [] }
    expect(await lf.document("doc", { as: "system" }).query(authors)).toEqual([
      { title: "1", author: null },
      { title: "2", author: "ann" },
    ])
    after.session.stop()
    await after.local.close()
    for (const user of [{}, { user: "bo" }]) {
      const { session, local } = await startClient(url, { disk, ...user })
      await until(() => session.state.error?.code === "CLIENT_PROOF", "refused")
      session.stop()
      await local.close()
    }
  })
})
