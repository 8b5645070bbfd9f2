import { sql } from "@lf/core"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { LfOptions } from "../create-lf.ts"
import {
  Add,
  cleanUp,
  Remove,
  Sign,
  startClient,
  startServer,
  titlesQuery,
  type User,
  until,
} from "../testing/fixture.ts"
import { RightsWatch } from "./rights-watch.ts"

afterEach(async () => {
  await cleanUp()
  vi.restoreAllMocks()
})

/** Members of a document are the titles of the document `members`; its rows decide who may read and write. */
async function serverWithMembers(options: Partial<LfOptions<User>> = {}) {
  const asked: string[] = []
  const isMember = sql<{ n: number }>`select count(*) n from todos where title = `
  const server = await startServer({
    // Nothing is asked again by time alone.
    limits: { recheckMs: 3_600_000 },
    authorize: async ({ principal, doc, action }) => {
      asked.push(`${principal?.id} ${action}`)
      if (doc === "members") return false
      const members = lf().document("members", { as: "system" })
      const query = { ...isMember, sql: `${isMember.sql}?`, parameters: [principal?.id ?? ""] }
      const [row] = await members.query<{ n: number }>(query)
      return row.n > 0
    },
    ...options,
  })
  const lf = () => server.lf
  const members = server.lf.document("members", { as: "system" })
  for (const id of ["ann", "bo"]) await members.mutate(Add, { id, title: id })
  return { ...server, members, asked }
}

describe("rights that authorize reads from a document (I18)", () => {
  test("end with the row: a member who was removed is out at once, all others stay", async () => {
    const { url, members } = await serverWithMembers()
    const [ann, bo] = [await startClient(url, { user: "ann" }), await startClient(url, { user: "bo" })]
    expect(await ann.add("1").remote).toMatchObject({ type: "applied" })
    await until(() => bo.titles().length === 1, "both are in")
    await members.mutate(Remove, { id: "bo" })
    await until(() => bo.session.state.error?.code === "FORBIDDEN", "bo is refused")
    expect(ann.session.state.status).toBe("connected")
    expect(await ann.add("2").remote).toMatchObject({ type: "applied" })
    expect(bo.titles()).toEqual(["1"])
    await members.mutate(Add, { id: "bo", title: "bo" })
    bo.session.poke()
    await until(() => bo.titles().length === 2, "bo is a member again")
  })

  test("are not asked again for changes of other rows or documents", async () => {
    const { url, members, asked, lf } = await serverWithMembers()
    for (let i = 0; i < 200; i++) await members.mutate(Add, { id: `x${i}`, title: "of others ".repeat(40) })
    const ann = await startClient(url, { user: "ann" })
    await until(() => ann.session.state.status === "connected", "ann is in")
    asked.length = 0
    expect(await ann.add("1").remote).toMatchObject({ type: "applied" })
    await lf.document("other", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(asked).toEqual(["ann write"])
  })

  test("are asked again once for changes that come together", async () => {
    const { url, members, asked } = await serverWithMembers()
    const ann = await startClient(url, { user: "ann" })
    await until(() => ann.session.state.status === "connected", "ann is in")
    asked.length = 0
    await Promise.all(Array.from({ length: 50 }, (_, i) => members.mutate(Add, { id: `y${i}`, title: "y" })))
    await until(() => asked.length > 0, "ann is asked again")
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(asked.length).toBeLessThan(4)
    expect(ann.session.state.status).toBe("connected")
  })
})

describe("a connection's rights", () => {
  test("are watched until it ends, below authorize alone", async () => {
    const { lf } = await startServer()
    const doc = lf.document("doc", { as: "system" })
    await doc.mutate(Add, { id: "1", title: "one" })
    const called: string[] = []
    const watch = new RightsWatch(() => called.push("changed"))
    const read = () => doc.query(titlesQuery)
    await read()
    await watch.during(read)
    await watch.during(read)
    await doc.mutate(Add, { id: "2", title: "two" })
    expect(called).toEqual(["changed"])
    await watch.during(read)
    watch.stop()
    await doc.mutate(Add, { id: "3", title: "three" })
    // One that ends while it is asked.
    const late = watch.during(read)
    watch.stop()
    await late
    await doc.mutate(Add, { id: "4", title: "four" })
    expect(called).toEqual(["changed"])
    const absent = lf.document("absent", { as: "system" })
    await expect(watch.during(() => absent.query(titlesQuery))).rejects.toMatchObject({ code: "DOC_NOT_FOUND" })
    await expect(watch.during(() => doc.query(sql`select nothing`))).rejects.toMatchObject({ code: "SQL_ERROR" })
  })
})

describe("what a mutator knows of its author", () => {
  test("is what authenticate answered, the id alone on the device; the system has no user and is not null", async () => {
    const { lf, url } = await startServer({
      authenticate: ({ token }) => (token === null ? null : { id: token, roles: ["editor"], since: new Date(0) }),
    })
    const [ann, nn] = [await startClient(url, { user: "ann" }), await startClient(url)]
    const signed = ann.local.run("Sign", { id: "1" })
    expect(JSON.parse(ann.titles()[0])).toEqual([{ id: "ann" }, 0])
    await signed.remote
    await nn.local.run("Sign", { id: "2" }).remote
    await lf.document("doc", { as: "system" }).mutate(Sign, { id: "3" })
    await until(() => ann.titles().length === 3, "all are there")
    const authors = ann.titles().map((title) => JSON.parse(title)[0])
    expect(authors).toEqual([{ id: "ann", roles: ["editor"], since: "1970-01-01T00:00:00.000Z" }, null, "system"])
  })

  test("has the server's clock beside its own: a slow device wrote when it says, received now", async () => {
    const { url, lf } = await startServer()
    const ann = await startClient(url, { user: "ann" })
    const day = 86_400_000
    const now = Date.now()
    vi.spyOn(Date, "now").mockImplementation(() => now - 3 * day)
    const signed = ann.local.run("Sign", { id: "1" })
    vi.restoreAllMocks()
    await signed.remote
    const [{ title }] = await lf
      .document("doc", { as: "system" })
      .query(sql<{ title: string }>`select title from todos`)
    const [, lagMs] = JSON.parse(title)
    expect(Math.round(lagMs / day)).toBe(3)
  })

  test.each([
    ["what is too large", { id: "ann", profile: "x".repeat(20_000) }],
    ["what JSON cannot carry", { id: "ann", big: 1n }],
  ])("%s is refused with PRINCIPAL_INVALID, and reported", async (_what, principal) => {
    const errors: string[] = []
    const { url } = await startServer({ authenticate: () => principal, onError: ({ code }) => void errors.push(code) })
    vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const ann = await startClient(url, { user: "ann" })
    await until(() => ann.session.state.error?.code === "PRINCIPAL_INVALID", "refused")
    expect(new Set(errors)).toEqual(new Set(["PRINCIPAL_INVALID"]))
  })
})
