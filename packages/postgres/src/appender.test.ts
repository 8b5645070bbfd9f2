import type pg from "pg"
import { expect, test } from "vitest"
import { Appender } from "./appender.ts"
import { codeOf } from "./testing/server.ts"

/** A database in which others have locked documents, or a table. */
function setUp() {
  const locked = new Set<string>()
  const statements: string[] = []
  let isTableLocked = false
  const query = async (what: string | { values: [string[]] }, values?: [string[]]) => {
    const [docs] = typeof what === "string" ? (values ?? [[]]) : what.values
    const free = docs.filter((doc) => !locked.has(doc))
    if (typeof what === "string") return { rows: free.map((doc) => ({ doc })) }
    statements.push(docs.join())
    if (isTableLocked || free.length < docs.length)
      throw Object.assign(new Error("canceling statement due to lock timeout"), { code: "55P03", severity: "ERROR" })
    return { rows: docs.map((doc) => ({ doc })) }
  }
  const appender = new Appender({ query } as unknown as pg.Pool)
  const append = (doc: string) => codeOf(appender.append({ doc, fence: 1n, position: 1, bytes: new Uint8Array(1) }))
  const lockTable = (isLocked: boolean) => {
    isTableLocked = isLocked
  }
  return { append, locked, lockTable, statements }
}

test("a locked document fails alone, however often it and others hold up the same one", async () => {
  const { append, locked, statements } = setUp()
  locked.add("x").add("y").add("z")
  const first = ["x", "a"].map(append)
  // Each comes while the statement before is under way.
  await new Promise(setImmediate)
  first.push(append("y"))
  await new Promise(setImmediate)
  first.push(append("z"), append("b"))
  expect(await Promise.all(first)).toEqual(["LOG_FAILED", "done", "LOG_FAILED", "LOG_FAILED", "done"])
  expect(statements.at(-1)).toMatch(/a/)
})

test("a locked table fails what waits for it after two tries, and what comes later is written", async () => {
  const { append, lockTable, statements } = setUp()
  lockTable(true)
  expect(await Promise.all(["a", "b"].map(append))).toEqual(["LOG_FAILED", "LOG_FAILED"])
  expect(statements).toEqual(["a,b", "a,b"])
  lockTable(false)
  expect(await append("a")).toBe("done")
})
