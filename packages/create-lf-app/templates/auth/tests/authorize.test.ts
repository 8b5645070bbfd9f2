// @vitest-environment node
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sql } from "@lf/core"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { AcceptInvite, homeOf, Invite, KeepList, RemoveMember, StartList } from "../app/lf/members"
import { AddTodo } from "../app/lf/todo-mutations"

const directory = mkdtempSync(join(tmpdir(), "lf-authorize-"))
let lf: typeof import("../lf.server")["lf"]

// The app's own server, in a directory of the test.
beforeAll(async () => {
  vi.stubEnv("LF_DATA_DIR", directory)
  lf = (await import("../lf.server")).lf
})
afterAll(async () => {
  await lf.close()
  rmSync(directory, { recursive: true })
})

const hash = "0".repeat(64)
const applied = { type: "applied" }
const refused = { type: "rejected", code: "MUTATION_FORBIDDEN" }
let todos = 0

/** A document as a signed-in user has it; `authorize` is asked as for a browser. */
const as = (user: string, doc = "trip") => lf.document(doc, { as: { id: user, name: user } })
const titles = (user: string) => as(user).query(sql<{ title: string }>`select title from todos order by created_at, id`)
const add = (user: string) => as(user).mutate(AddTodo, { id: `todo-${++todos}`, title: "tent" })
const accept = (user: string) => lf.document("trip", { as: "system" }).mutate(AcceptInvite, { hash, user, name: user })

test("the rows of a list decide who reads and who writes, at once", async () => {
  expect(await as("ada").mutate(StartList, { title: "Trip", name: "Ada" })).toMatchObject(applied)
  expect(await add("ada")).toMatchObject(applied)

  // No member: not even a mutation that needs no right.
  await expect(titles("eve")).rejects.toMatchObject({ code: "FORBIDDEN" })
  expect(await as("eve").mutate(StartList, { title: "Mine", name: "Eve" })).toMatchObject(refused)
  expect(await as("eve").mutate(AcceptInvite, { hash, user: "eve", name: "Eve" })).toMatchObject(refused)

  expect(await as("ada").mutate(Invite, { hash, role: "viewer" })).toMatchObject(applied)
  expect(await accept("eve")).toMatchObject(applied)
  expect(await titles("eve")).toHaveLength(1)
  expect(await add("eve")).toMatchObject(refused)
  expect(await as("eve").mutate(Invite, { hash, role: "editor" })).toMatchObject(refused)
  expect(await as("eve").mutate(RemoveMember, { user: "ada" })).toMatchObject(refused)

  expect(await as("ada").mutate(Invite, { hash, role: "editor" })).toMatchObject(applied)
  expect(await accept("ben")).toMatchObject(applied)
  expect(await add("ben")).toMatchObject(applied)
  expect(await as("ada").mutate(RemoveMember, { user: "ben" })).toMatchObject(applied)
  expect(await add("ben")).toMatchObject(refused)
  await expect(titles("ben")).rejects.toMatchObject({ code: "FORBIDDEN" })
  expect(await as("ada").mutate(RemoveMember, { user: "ada" })).toMatchObject({ code: "NOT_REMOVABLE" })
})

test("the document with a user's lists is theirs alone, also before it exists", async () => {
  const list = { id: "trip", title: "Trip" }
  await expect(as("eve", homeOf("ada")).mutate(KeepList, list)).resolves.toMatchObject(refused)
  expect(await as("ada", homeOf("ada")).mutate(KeepList, list)).toMatchObject(applied)
  expect(await as("ada", homeOf("ada")).mutate(StartList, { title: "Home", name: "Ada" })).toMatchObject(refused)
  await expect(as("eve", homeOf("ada")).query(sql`select id from lists`)).rejects.toMatchObject({ code: "FORBIDDEN" })
})

test("signed out nothing is read or written", async () => {
  const list = lf.document("trip", { as: null })
  await expect(list.query(sql`select 1`)).rejects.toMatchObject({ code: "FORBIDDEN" })
  expect(await list.mutate(AddTodo, { id: "x", title: "x" })).toMatchObject(refused)
})
