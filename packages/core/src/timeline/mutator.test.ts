import type { StandardSchemaV1 } from "@standard-schema/spec"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import { sql } from "../sqlite/sql.ts"
import { defineMutation, defineMutator, MIGRATION_HASH_CHARS } from "./mutator.ts"
import type { Tx } from "./tx.ts"

const uid = "0190b5d2-1111-7222-8333-944455556666"
const noTx = {} as Tx // none of these mutators looks at it

/** A schema of any library that gives these issues. */
function schemaOf(validate: StandardSchemaV1["~standard"]["validate"]): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "test", validate } }
}

function failing(issues: readonly StandardSchemaV1.Issue[]) {
  return defineMutation(
    "Add",
    schemaOf(() => ({ issues })),
    () => {},
  )
}

describe("arguments", () => {
  test("are given to the mutator as the schema gives them out", () => {
    const seen: unknown[] = []
    const Add = defineMutation("Add", z.object({ n: z.number().default(7) }), (_, args) => void seen.push(args))
    const mutator = defineMutator({ migrations: [], mutations: [Add] })
    mutator.apply(noTx, { uid, name: "Add", args: {}, at: 1 })
    expect(seen).toEqual([{ n: 7 }])
  })

  test.each<[readonly StandardSchemaV1.Issue[], string]>([
    [
      [{ message: "too small", path: ["list", 0, { key: "id" }] }, { message: "second" }],
      "Add at list.0.id: too small",
    ],
    [[{ message: "too small" }], "Add: too small"],
    [[{ message: "too small", path: [] }], "Add: too small"],
    [[], "Add: invalid"],
  ])("that do not fit are refused with the first issue and its place", (issues, message) => {
    expect(() => failing(issues).parse({})).toThrow(expect.objectContaining({ code: "MUTATION_ARGS_INVALID", message }))
  })

  test("cannot be validated asynchronously (T14)", () => {
    const slow = defineMutation(
      "Slow",
      schemaOf(async () => ({ value: 1 })),
      () => {},
    )
    expect(() => slow.parse({})).toThrow(expect.objectContaining({ code: "MUTATION_SCHEMA_ASYNC" }))
  })

  test("that are changed after the call are kept as they were", () => {
    const mutator = defineMutator({ migrations: [], mutations: [defineMutation("Add", z.any(), () => {})] })
    const args = { list: [1] }
    const made = mutator.make({ uid, name: "Add", args, at: 1 })
    args.list.push(2)
    expect(made).toEqual({ uid, name: "Add", args: { list: [1] }, at: 1 })
  })
})

describe("a mutator", () => {
  const mutator = defineMutator({
    migrations: [sql`create table a (x)`, sql`create table b (x)`],
    mutations: [defineMutation("Add", z.any(), () => {})],
  })

  test("refuses an unknown mutation, with no more of its name than 64 characters", () => {
    expect([mutator.has("Add"), mutator.has("Remove"), mutator.find("Add").name]).toEqual([true, false, "Add"])
    const unknown = "x".repeat(65)
    const refusal = expect.objectContaining({
      code: "MUTATION_UNKNOWN",
      message: expect.not.stringContaining(unknown),
    })
    for (const call of [
      () => mutator.find(unknown),
      () => mutator.make({ uid, name: unknown, args: null, at: 1 }),
      () => mutator.apply(noTx, { uid, name: unknown, args: null, at: 1 }),
    ])
      expect(call).toThrow(refusal)
  })

  test("names its migrations by hashes of their text, which differ", () => {
    const hashes = mutator.migrations.map(({ hash }) => hash)
    expect(hashes.map((hash) => hash.length)).toEqual([MIGRATION_HASH_CHARS, MIGRATION_HASH_CHARS])
    expect(new Set(hashes).size).toBe(2)
    const again = defineMutator({ migrations: [sql`create table a (x)`], mutations: [] })
    expect(again.migrations[0].hash).toBe(hashes[0])
  })

  test("refuses a promise that a mutator returns, and handles that promise's failure (T14)", () => {
    const returning = (value: unknown) => {
      const Add = defineMutation("Add", z.any(), () => value as undefined)
      return () => defineMutator({ migrations: [], mutations: [Add] }).apply(noTx, { uid, name: "Add", args: 0, at: 1 })
    }
    const refused = expect.objectContaining({ code: "MUTATION_ASYNC" })
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
    const thenable = { then: () => {} }
    for (const value of [Promise.resolve(), Promise.reject(new Error("later")), thenable])
      expect(returning(value)).toThrow(refused)
    for (const value of [undefined, null, 7, "then", {}, []]) expect(returning(value)).not.toThrow()
  })
})
