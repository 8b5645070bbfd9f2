import { defineMutation, defineMutator, LfError, Reject, sql } from "@lf/core"
import { afterEach, expect, test, vi } from "vitest"
import { z } from "zod"
import { mutationCodec } from "../../../core/src/timeline/mutation.ts"
import { cleanUp, startServer } from "../testing/fixture.ts"
import { rawClient } from "../testing/raw.ts"

afterEach(async () => {
  await cleanUp()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const SECRET = "password of the database"
const Text = z.object({ text: z.string().max(100) })
const mutator = defineMutator({
  migrations: [sql`create table notes (text text primary key) strict`],
  mutations: [
    defineMutation("Throw", Text, () => {
      throw new TypeError(SECRET)
    }),
    defineMutation("ThrowOurs", Text, () => {
      throw new LfError("SQL_ERROR", SECRET, { cause: new Error(SECRET) })
    }),
    defineMutation("BadSql", Text, (tx) => tx.run({ sql: `select * from "${SECRET}"`, parameters: [] })),
    defineMutation("BadJson", Text, (tx) => tx.run({ sql: `select json('${SECRET}')`, parameters: [] })),
    defineMutation("Refuse", Text, () => {
      throw new Reject("no", { answer: "this is for the author" })
    }),
  ],
})

async function outcomesUnder(mode: string): Promise<string> {
  vi.stubEnv("NODE_ENV", mode)
  vi.spyOn(process.stderr, "write").mockReturnValue(true)
  vi.spyOn(console, "error").mockReturnValue(undefined)
  const { url } = await startServer({ mutator })
  const raw = await rawClient(url)
  raw.hello()
  await raw.receives("welcome")
  const names = ["Throw", "ThrowOurs", "BadSql", "BadJson", "Refuse"]
  const entry = (name: string, i: number) =>
    mutationCodec.encode({ uid: `00000000-0000-7000-8000-00000000000${i}`, name, args: { text: "x" }, at: 1 })
  raw.push(names.map(entry))
  await raw.receives("cursor")
  raw.ask()
  const { outcomes } = await raw.receives("chunk")
  const said = raw.said.map((message) =>
    JSON.stringify(message, (_key, value) => (typeof value === "bigint" ? String(value) : value)),
  )
  expect(outcomes.length).toBeGreaterThanOrEqual(5)
  return said.join("\n")
}

test("in production the author of a mutation that threw is sent the code alone (S16)", async () => {
  const said = await outcomesUnder("production")
  expect(said).not.toContain(SECRET)
  expect(said).toContain("this is for the author")
  for (const code of ["MUTATION_THREW", "SQL_ERROR"]) expect(said).toContain(code)
})

test("without NODE_ENV as in production: what is not known to be development is not", async () => {
  expect(await outcomesUnder("")).not.toContain(SECRET)
})

test("in development the author is sent what it threw", async () => {
  expect(await outcomesUnder("development")).toContain(SECRET)
})
