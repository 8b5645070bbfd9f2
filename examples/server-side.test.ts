// The same document from the server's own code: a cron job, a route handler, a server component.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineMutation, defineMutator, sql } from "@lf/core"
import { createLf } from "@lf/next"
import { afterAll, expect, test } from "vitest"
import { z } from "zod"

const Log = defineMutation("Log", z.object({ line: z.string() }), (tx, { line }) => {
  tx.run(sql`insert into lines (id, line, who) values (${tx.id()}, ${line}, ${tx.user})`)
})
const mutator = defineMutator({
  migrations: [sql`create table lines (id text primary key, line text not null, who text) strict`],
  mutations: [Log],
})

const dataDir = mkdtempSync(join(tmpdir(), "lf-example-"))
const lf = createLf({
  mutator,
  dataDir,
  authenticate: () => null,
  // Ada may do everything, others may read.
  authorize: ({ principal, action }) => principal?.id === "ada" || action === "read",
})

afterAll(async () => {
  await lf.close()
  rmSync(dataDir, { recursive: true, force: true })
})

test("the server writes and reads a document as a person or as itself", async () => {
  const asAda = lf.document("journal", { as: { id: "ada" } })
  expect(await asAda.mutate(Log, { line: "hello" })).toMatchObject({ type: "applied" })
  expect(await lf.document("journal", { as: { id: "bob" } }).mutate(Log, { line: "no" })).toMatchObject({
    type: "rejected",
    code: "MUTATION_FORBIDDEN",
  })
  const rows = await lf
    .document("journal", { as: "system" })
    .query(sql<{ line: string; who: string }>`select line, who from lines`)
  expect(rows).toEqual([{ line: "hello", who: "ada" }])
})
