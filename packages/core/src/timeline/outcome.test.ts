import { describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { writePlain } from "../base/plain.ts"
import {
  isFatal,
  isReject,
  REJECT_CODE_CHARS_MAX,
  REJECT_DATA_BYTES_MAX,
  Reject,
  refusalOf,
  rejected,
  rejectionOf,
} from "./outcome.ts"

describe("what a mutator throws", () => {
  test("a Reject is its own code, with what it carries", () => {
    expect(rejectionOf(new Reject("full", { left: 0 }))).toEqual({ type: "rejected", code: "full", data: { left: 0 } })
    expect(rejectionOf(new Reject("full"))).toEqual({ type: "rejected", code: "full", data: null })
    expect([new Reject("full").name, new Reject("full").message]).toEqual(["Reject", "full"])
  })

  test("a Reject of another copy of the class is one, by its name; what only has a code is none", () => {
    const other = Object.assign(new Error("full"), { name: "Reject", code: "full" })
    expect(rejectionOf(other)).toEqual({ type: "rejected", code: "full", data: null })
    for (const none of [
      { name: "Reject", code: "full" },
      Object.assign(new Error("full"), { code: "full" }),
      Object.assign(new Error("full"), { name: "Reject" }),
      null,
    ])
      expect(isReject(none)).toBe(false)
  })

  test("a code is cut at its limit", () => {
    const code = "x".repeat(REJECT_CODE_CHARS_MAX)
    expect(rejectionOf(new Reject(`${code}y`))).toMatchObject({ code })
  })

  test("data up to its limit is carried; larger or not plain, a sentence replaces it (I21)", () => {
    const bytesOf = (data: unknown) => {
      const writer = new ByteWriter()
      writePlain(writer, data)
      return writer.length
    }
    let data = new Uint8Array(REJECT_DATA_BYTES_MAX - 10)
    while (bytesOf(data) < REJECT_DATA_BYTES_MAX) data = new Uint8Array(data.length + 1)
    expect(rejectionOf(new Reject("a", data))).toEqual({ type: "rejected", code: "a", data })
    expect(rejectionOf(new Reject("a", new Uint8Array(data.length + 1)))).toMatchObject({
      data: { message: expect.stringContaining(String(REJECT_DATA_BYTES_MAX)) },
    })
    expect(rejectionOf(new Reject("a", () => {}))).toMatchObject({
      data: { message: expect.stringContaining("plain") },
    })
  })

  test("anything else is a code of ours, and its message is carried in development alone (S16)", () => {
    const bug = new TypeError("a bug".repeat(200))
    expect(rejectionOf(bug)).toEqual(rejected("MUTATION_THREW"))
    expect(rejectionOf(bug, true)).toEqual(rejected("MUTATION_THREW", { message: bug.message.slice(0, 500) }))
    expect(rejectionOf(new LfError("SQL_LIMIT", "too long"))).toEqual(rejected("SQL_LIMIT"))
    const alike = Object.assign(new Error("x"), { name: "LfError", code: "made up" })
    expect(rejectionOf(alike)).toEqual(rejected("MUTATION_THREW"))
  })
})

test("a broken database is no mutation's fault, every other error is (T10)", () => {
  expect(isFatal(new LfError("SQL_CORRUPT", "x"))).toBe(true)
  for (const error of [new LfError("SQL_ERROR", "x"), { code: "SQL_CORRUPT" }, new Error("SQL_CORRUPT")])
    expect(isFatal(error)).toBe(false)
})

describe("why a mutation was not kept", () => {
  const outcome = { type: "rejected", code: "full", data: 7 } as const

  test("a Reject is MUTATION_REJECTED with the mutation's name and the outcome as its cause", () => {
    const refusal = refusalOf("Add", outcome, new Reject("full", 7))
    expect(refusal).toMatchObject({ code: "MUTATION_REJECTED", message: "Add: full", cause: outcome })
  })

  test("another error keeps its code, its place and itself as the cause", () => {
    const thrown = new LfError("SQL_ERROR", "no such table: t")
    const refusal = refusalOf("Add", outcome, thrown)
    expect(refusal).toMatchObject({ code: "SQL_ERROR", message: "Add: no such table: t", cause: thrown })
    expect(refusal.stack).toBe(thrown.stack)
    expect(refusalOf("Add", outcome, new TypeError("a bug")).code).toBe("MUTATION_THREW")
  })

  test("what is thrown without a stack has one all the same", () => {
    expect(refusalOf("Add", outcome, "a text")).toMatchObject({
      code: "MUTATION_THREW",
      message: "Add: a text",
      stack: expect.stringContaining("Add: a text"),
    })
    const bare = Object.assign(new Error("bare"), { stack: undefined })
    expect(refusalOf("Add", outcome, bare).stack).toEqual(expect.any(String))
  })
})
