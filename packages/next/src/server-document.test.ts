import { readdir } from "node:fs/promises"
import { sql } from "@lf/core"
import { liveQueryKey } from "@lf/core/internal"
import { hashKey, hydrate, QueryClient } from "@tanstack/react-query"
import { afterEach, describe, expect, test, vi } from "vitest"
import { Add, cleanUp, Remove, startClient, startServer, titlesQuery, until } from "./testing/fixture.ts"

afterEach(cleanUp)

const ann = { id: "ann" }

describe("a document in the server's own process", () => {
  test("it reads and writes what sockets read and write", async () => {
    const { lf, url } = await startServer()
    const doc = lf.document("doc", { as: ann })
    expect(await doc.mutate(Add, { id: "1", title: "one" })).toEqual({ type: "applied", lsn: expect.any(Number) })
    const client = await startClient(url)
    await until(() => client.titles().length === 1, "the client has it")
    expect(await client.add("2").remote).toMatchObject({ type: "applied" })
    expect(await doc.query(sql`select title, author from todos order by id`)).toEqual([
      { title: "one", author: "ann" },
      { title: "2", author: null },
    ])
  })

  test("rows have a position, the same until something changes, which an outcome names", async () => {
    const { lf } = await startServer()
    const doc = lf.document("doc", { as: ann })
    const outcome = await doc.mutate(Add, { id: "1", title: "one" })
    const at = await doc.lsn()
    expect(outcome).toEqual({ type: "applied", lsn: at })
    expect(await doc.read(titlesQuery)).toEqual({ rows: [{ title: "one" }], lsn: at })
    const [later, next] = await Promise.all([doc.waitFor(at + 1), doc.mutate(Add, { id: "2", title: "two" })])
    expect([later, next]).toEqual([undefined, { type: "applied", lsn: at + 1 }])
    expect(await doc.read(titlesQuery)).toEqual({ rows: [{ title: "one" }, { title: "two" }], lsn: at + 1 })
    for (const read of [
      () => lf.document("other", { as: ann }).lsn(),
      () => lf.document("other", { as: ann }).waitFor(1),
    ])
      await expect(read()).rejects.toMatchObject({ code: "DOC_NOT_FOUND" })
  })

  test("a position that never comes is reported after 10 s", async () => {
    const { lf } = await startServer()
    const doc = lf.document("doc", { as: ann })
    await doc.mutate(Add, { id: "1", title: "one" })
    vi.useFakeTimers({ toFake: ["performance"] })
    const waiting = expect(doc.waitFor(1_000)).rejects.toMatchObject({ code: "LSN_NOT_REACHED" })
    await new Promise((resolve) => setTimeout(resolve, 50))
    vi.advanceTimersByTime(10_000)
    await waiting
    vi.useRealTimers()
  })

  test("a rejection is an answer, bad arguments and unknown documents are errors", async () => {
    const { lf, dataDir } = await startServer()
    const doc = lf.document("doc", { as: ann })
    await expect(doc.query(titlesQuery)).rejects.toMatchObject({ code: "DOC_NOT_FOUND" })
    expect(await readdir(dataDir)).toEqual([])
    expect(await doc.mutate(Add, { id: "1", title: "bad" })).toEqual({
      type: "rejected",
      code: "not-welcome",
      data: { title: "bad" },
    })
    // @ts-expect-error what JavaScript could do
    await expect(doc.mutate(Add, { id: 1 })).rejects.toMatchObject({ code: "MUTATION_ARGS_INVALID" })
    await expect(doc.query(sql`delete from todos`)).rejects.toMatchObject({ code: "SQL_DENIED" })
    await expect(lf.document("../x", { as: "system" }).query(titlesQuery)).rejects.toMatchObject({
      code: "DOC_ID_INVALID",
    })
    await expect(lf.document("../x", { as: "system" }).mutate(Remove, { id: "1" })).rejects.toMatchObject({
      code: "DOC_ID_INVALID",
    })
  })

  test("it is authorized like a socket, and the system is not asked", async () => {
    const asked: string[] = []
    const { lf, dataDir } = await startServer({
      authorize: ({ principal, action, mutation }) => {
        asked.push([principal?.id, action, mutation].join(" "))
        return principal?.id === "ann" && mutation !== "Remove"
      },
    })
    await expect(lf.document("doc", { as: null }).query(titlesQuery)).rejects.toMatchObject({ code: "FORBIDDEN" })
    expect(await lf.document("doc", { as: null }).prefetch(titlesQuery)).toEqual({ mutations: [], queries: [] })
    expect(await lf.document("doc", { as: null }).mutate(Add, { id: "1", title: "one" })).toMatchObject({
      code: "MUTATION_FORBIDDEN",
    })
    expect(await readdir(dataDir)).toEqual([])
    asked.length = 0
    expect(await lf.document("doc", { as: ann }).mutate(Add, { id: "1", title: "one" })).toMatchObject({
      type: "applied",
    })
    expect(asked).toEqual(["ann write Add", "ann read ", "ann create "])
    expect(await lf.document("doc", { as: ann }).mutate(Remove, { id: "1" })).toMatchObject({
      code: "MUTATION_FORBIDDEN",
    })
    asked.length = 0
    expect(await lf.document("doc", { as: "system" }).mutate(Remove, { id: "1" })).toMatchObject({ type: "applied" })
    expect(asked).toEqual([])
  })

  test("prefetch gives TanStack what its hooks look for, older than anything live", async () => {
    const { lf } = await startServer()
    const doc = lf.document("doc", { as: ann })
    await doc.mutate(Add, { id: "1", title: "one" })
    const byId = sql`select title from todos where id = ${"1"}`
    const state = await doc.prefetch(titlesQuery, byId)
    const client = new QueryClient()
    hydrate(client, JSON.parse(JSON.stringify(state)))
    const key = liveQueryKey("ann", "doc", byId)
    expect(client.getQueryData(key)).toEqual([{ title: "one" }])
    expect(client.getQueryState(key)).toMatchObject({ status: "success", dataUpdatedAt: 1 })
    for (const { queryKey, queryHash } of state.queries) expect(queryHash).toBe(hashKey(queryKey))
    // A page that was refreshed brings newer rows from the server: live ones stay.
    client.setQueryData(key, [{ title: "live" }])
    hydrate(client, await doc.prefetch(byId))
    expect(client.getQueryData(key)).toEqual([{ title: "live" }])
    client.clear()
  })

  test("prefetch of a document that is not there makes nothing", async () => {
    const { lf, dataDir } = await startServer()
    expect(await lf.document("absent", { as: ann }).prefetch(titlesQuery)).toEqual({ mutations: [], queries: [] })
    expect(await readdir(dataDir)).toEqual([])
  })
})
