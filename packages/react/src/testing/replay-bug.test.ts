// @vitest-environment jsdom
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { QueryClient } from "@tanstack/react-query"
import { expect, test } from "vitest"
import { z } from "zod"
import { DevtoolsConnection } from "../devtools/devtools-connection.ts"
import { bindingOf } from "../hooks/query-binding.ts"
import { memoryServer } from "./memory-server.ts"
import { memoryWorker } from "./memory-worker.ts"
import { replayBug } from "./replay-bug.ts"

const Add = defineMutation("Add", z.string(), (tx, title) => {
  if (title === "taken" && tx.side === "remote") throw new Reject("taken", { title })
  tx.run(sql`insert into items (id, title, at) values (${tx.id()}, ${title}, ${tx.nowMs})`)
})
const Rename = defineMutation("Rename", z.string(), (tx, title) => {
  const last = tx.get<{ id: string }>(sql`select id from items order by id desc`)
  if (last === undefined) throw new Error("there is no item")
  tx.run(sql`update items set title = ${title} where id = ${last.id}`)
})
const table = sql`create table items (id text primary key, title text not null, at integer not null) strict`
const mutator = defineMutator({ migrations: [table], mutations: [Add, Rename] })
const rows = sql<{ id: string; title: string; at: number }>`select * from items order by id`

/** A device that has synced one item, has a rejection, and is offline with more; and its bug file. */
async function device() {
  const { remote, network } = await memoryServer(mutator)
  const worker = memoryWorker({ mutator, network })
  const document = bindingOf(new QueryClient()).document("d", null)
  document.use({ worker, url: "http://localhost/api/lf", auth: undefined })
  const release = document.retain()
  for (const title of ["synced", "taken"]) await (await document.mutate(Add, title)).remote
  await expect.poll(() => document.known.state.pendingCount).toBe(0)
  document.setOnline(false)
  await document.mutate(Add, "pending")
  await document.mutate(Rename, "renamed")
  const seen = await document.requests.query(rows)
  const panel = new DevtoolsConnection(worker)
  await panel.ask({ type: "watch", key: "anonymous/d" })
  const file = await panel.ask({ type: "export", key: "anonymous/d", version: null, userAgent: "a test" })
  panel.close()
  release()
  return { file, seen, remote }
}

test("a replayed bug has the rows that the user saw, with their ids and times, and what was rejected", async () => {
  const { file, seen } = await device()
  await using bug = await replayBug(file, { mutator })
  expect(await bug.query(rows)).toEqual(seen)
  expect(seen.map(({ title }) => title)).toEqual(["synced", "renamed"])
  expect(bug.pending).toMatchObject([
    { name: "Add", args: "pending", error: null },
    { name: "Rename", args: "renamed", error: null },
  ])
  expect(bug.rejected).toMatchObject([{ name: "Add", args: "taken", code: "taken", data: { title: "taken" } }])
  expect(bug.notes).toMatchObject({ doc: "d", user: null, code: { mutations: ["Add", "Rename"], userAgent: "a test" } })
})

test("what the user did next is done, and what a pending mutation throws is found", async () => {
  const { file } = await device()
  await using bug = await replayBug(file, { mutator })
  await bug.mutate(Rename, "next")
  expect((await bug.query(rows)).map(({ title }) => title)).toEqual(["synced", "next"])
  const broken = defineMutation("Add", z.string(), () => {
    throw new Error("the fault")
  })
  await using other = await replayBug(file, {
    mutator: defineMutator({ migrations: [table], mutations: [broken, Rename] }),
  })
  expect(other.pending[0].error).toMatchObject({ code: "MUTATION_THREW", message: "the fault" })
})

test("newer code migrates the document, other code is refused", async () => {
  const { file } = await device()
  const newer = [table, sql`alter table items add column done integer not null default 0`]
  await using bug = await replayBug(file, { mutator: defineMutator({ migrations: newer, mutations: [Add, Rename] }) })
  expect(await bug.query(sql`select sum(done) done from items`)).toEqual([{ done: 0 }])
  const other = defineMutator({ migrations: [sql`create table others (id) strict`], mutations: [Add] })
  await expect(replayBug(file, { mutator: other })).rejects.toMatchObject({ code: "MIGRATION_EDITED" })
  const json = JSON.parse(file)
  const torn = JSON.stringify({ ...json, base: { ...json.base, checksum: "1" } })
  await expect(replayBug(torn, { mutator })).rejects.toMatchObject({ code: "BUG_FILE_INVALID" })
  const buffer: unknown = Buffer.from(file)
  await expect(replayBug(buffer as string, { mutator })).rejects.toMatchObject({ code: "TEST_OPTION_INVALID" })
})
