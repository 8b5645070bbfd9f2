import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { applyGroup, type Group, mutationPagesMax } from "./apply-group.ts"
import { defineMutation, defineMutator } from "./mutator.ts"
import { rejected } from "./outcome.ts"
import { migrate } from "./schema.ts"

beforeAll(loadChecksum)

const Fill = defineMutation("Fill", z.object({ id: z.number(), pages: z.number() }), (tx, { id, pages }) => {
  tx.run(sql`insert or replace into blobs values (${id}, zeroblob(${pages * 4080}))`)
})
const Free = defineMutation("Free", z.object({ id: z.number() }), (tx, { id }) => {
  tx.run(sql`delete from blobs where id = ${id}`)
})
const Abort = defineMutation("Abort", z.object({ swallows: z.boolean() }), (tx, { swallows }) => {
  tx.run(sql`insert or ignore into keys values (1)`)
  try {
    tx.run(sql`insert or rollback into keys values (1)`)
  } catch (error) {
    if (!swallows) throw error
  }
})
const Corrupt = defineMutation("Corrupt", z.object({}), () => {
  throw new LfError("SQL_CORRUPT", "the pages are damaged")
})
const mutator = defineMutator({
  migrations: [
    sql`create table blobs (id integer primary key, bytes blob) strict`,
    sql`create table keys (id integer primary key) strict`,
  ],
  mutations: [Fill, Free, Abort, Corrupt],
})

let db: Database
beforeEach(async () => {
  db = new Database(await loadSqlite(), new Storage())
  migrate(db, mutator)
})

let made = 0
function jobOf(name: string, args: unknown) {
  made++
  const uid = `00000000-0000-7000-8000-${String(made).padStart(12, "0")}`
  return { mutation: { uid, name, args, at: 1 }, author: null }
}
const fill = (id: number, pages: number) => jobOf("Fill", { id, pages })
const free = (id: number) => jobOf("Free", { id })

/** Codes of the outcomes, "applied" or "crashed". */
function run(jobs: Group["jobs"], options: Partial<Group> = {}): string[] {
  const result = applyGroup({ db, mutator, side: "remote", jobs, pagesMax: 10_000, ...options })
  if (result.type === "crashed") return ["crashed"]
  return result.outcomes.map((outcome) => (outcome.type === "applied" ? "applied" : outcome.code))
}

const ids = () => db.exec("select id from blobs order by id").map(({ id }) => id)

test("a sixteenth of a document's pages is left for our own rows, and no less (T36)", () => {
  expect([16, 17, 160, 262_144].map(mutationPagesMax)).toEqual([15, 15, 150, 245_760])
})

describe("a document that would pass its limit (T36)", () => {
  test("rejects the one mutation that would pass it, alone or in a group, and takes the others", () => {
    const pagesMax = db.pagesUsed + 20
    expect(run([fill(1, 30)], { pagesMax })).toEqual(["DOC_TOO_LARGE"])
    expect(run([fill(2, 5), fill(3, 30), fill(4, 5)], { pagesMax })).toEqual(["applied", "DOC_TOO_LARGE", "applied"])
    expect(ids()).toEqual([2, 4])
  })

  test("is filled to exactly its limit, and not by a page more", () => {
    const before = db.pagesUsed
    run([fill(1, 10)])
    const taken = db.pagesUsed - before
    run([free(1)])
    expect(run([fill(1, 10)], { pagesMax: before + taken - 1 })).toEqual(["DOC_TOO_LARGE"])
    expect(run([fill(1, 10)], { pagesMax: before + taken })).toEqual(["applied"])
    expect(run([fill(1, 9), fill(1, 10)], { pagesMax: before + taken })).toEqual(["applied", "applied"])
  })

  test("accepts what makes it smaller or leaves it as large, though it is over its limit", () => {
    run([fill(1, 30), fill(2, 30)])
    const pagesMax = db.pagesUsed - 20
    expect(run([fill(1, 30)], { pagesMax })).toEqual(["applied"])
    expect(run([free(1), fill(3, 1)], { pagesMax })).toEqual(["applied", "applied"])
    expect(ids()).toEqual([2, 3])
  })

  test("is judged once for a group that fits: each mutation runs once", () => {
    let runs = 0
    const watch = () => void runs++
    run([fill(1, 5), fill(2, 5)], { watch })
    expect(runs).toBe(2)
    run([fill(3, 5), fill(4, 50)], { watch, pagesMax: db.pagesUsed + 20 })
    expect(runs).toBe(6)
  })
})

test("a group that is over after a mutation leaves the rest, and notes what it ran (T39)", () => {
  const notes: unknown[] = []
  let left = 2
  const outcomes = run([fill(1, 1), fill(2, 1), fill(3, 1)], {
    isOver: () => --left === 0,
    mark: (index, { type }) => notes.push([index, type]),
    finish: (count) => notes.push(count),
  })
  expect(outcomes).toEqual(["applied", "applied"])
  expect(notes).toEqual([[0, "applied"], [1, "applied"], 2])
  expect(ids()).toEqual([1, 2])
})

test("a mutation that ends the transaction is rejected with its error, or SQL_DENIED (T13)", () => {
  const group = (swallows: boolean) => run([fill(1, 1), jobOf("Abort", { swallows }), fill(2, 1)])
  expect(group(false)).toEqual(["applied", "SQL_ERROR", "applied"])
  expect(group(true)).toEqual(["applied", "SQL_DENIED", "applied"])
  expect(ids()).toEqual([1, 2])
  expect(db.exec("select * from keys")).toEqual([])
})

test("what was decided before does not run", () => {
  const jobs = [{ ...fill(1, 1), decided: rejected("MUTATION_FORBIDDEN") }, fill(2, 1)]
  expect(run(jobs)).toEqual(["MUTATION_FORBIDDEN", "applied"])
  expect(ids()).toEqual([2])
})

describe("what is not a mutation's fault (T10)", () => {
  test("ends the group with nothing of it, and the connection is free again", () => {
    expect(() => run([fill(1, 1), jobOf("Corrupt", {})])).toThrow(expect.objectContaining({ code: "SQL_CORRUPT" }))
    expect([db.inTransaction, ids()]).toEqual([false, []])
    expect(run([fill(2, 1)])).toEqual(["applied"])
  })

  test("also when what the server notes fails", () => {
    const finish = () => {
      throw new Error("our own table is gone")
    }
    expect(() => run([fill(1, 1)], { finish })).toThrow("our own table is gone")
    expect([db.inTransaction, ids()]).toEqual([false, []])
  })
})
