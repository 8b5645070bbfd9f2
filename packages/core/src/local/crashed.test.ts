import { beforeAll, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { sql } from "../sqlite/sql.ts"
import { atTheEndOfTheStack } from "../testing/end-of-stack.ts"
import { host, loadSqlite } from "../testing/small-world.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { queryKey } from "./live-query.ts"
import { Local } from "./local.ts"

beforeAll(() => loadChecksum())

/** Whether the mutator, when it runs now, meets the end of the stack inside SQLite. */
const now = { isDeep: false }
const like = sql`select ${"a".repeat(60_000)} like ${"%a".repeat(400)}`
const Add = defineMutation("Add", z.object({ id: z.number(), isHeavy: z.boolean() }), (tx, { id, isHeavy }) => {
  tx.run(sql`insert into t values (${id})`)
  if (isHeavy && now.isDeep) atTheEndOfTheStack(() => tx.all(like))
})
const mutator = defineMutator({ migrations: [sql`create table t (id integer primary key) strict`], mutations: [Add] })
const ids = (local: Local) => local.query<{ id: number }>(sql`select id from t order by id`).map(({ id }) => id)

async function open(disk: MemoryDisk, crashed: Set<string>): Promise<Local> {
  return new Local({ opened: await disk.open("d"), module: await loadSqlite(), mutator, host, user: null, crashed })
}

test("a mutation that crashes SQLite is refused; the document opens anew as it was (T43)", async () => {
  const [disk, crashed] = [new MemoryDisk(), new Set<string>()]
  const local = await open(disk, crashed)
  await local.run("Add", { id: 1, isHeavy: false }).durable
  now.isDeep = true
  const refused = expect.objectContaining({ code: "SQL_CRASHED" })
  expect(() => local.run("Add", { id: 2, isHeavy: true })).toThrow(refused)
  now.isDeep = false
  expect(local.failure).toMatchObject({ code: "SQL_CRASHED" })
  expect(() => local.query(sql`select 1`)).toThrow(refused)
  await local.close()
  const again = await open(disk, crashed)
  expect(ids(again)).toEqual([1])
  await again.run("Add", { id: 3, isHeavy: false }).durable
  expect([ids(again), again.pendingCount]).toEqual([[1, 3], 2])
  await again.close()
})

test("a pending one that crashes SQLite when it runs again is skipped, and stays pending (T43)", async () => {
  const [disk, crashed] = [new MemoryDisk(), new Set<string>()]
  const local = await open(disk, crashed)
  for (const [id, isHeavy] of [
    [1, false],
    [2, true],
    [3, false],
  ] as const)
    await local.run("Add", { id, isHeavy }).durable
  await local.close()
  now.isDeep = true
  await expect(open(disk, crashed)).rejects.toMatchObject({ code: "SQL_CRASHED" })
  expect(crashed.size).toBe(1)
  disk.crash()
  const again = await open(disk, crashed)
  now.isDeep = false
  expect([ids(again), again.pendingCount]).toEqual([[1, 3], 3])
  await again.close()
})

test("a query that crashes SQLite ends with its code, also live after a reopen (T43)", async () => {
  const [disk, crashed] = [new MemoryDisk(), new Set<string>()]
  const local = await open(disk, crashed)
  await local.run("Add", { id: 1, isHeavy: false }).durable
  atTheEndOfTheStack(() => local.query(like), "SQL_CRASHED")
  expect(() => local.query(like)).toThrow(expect.objectContaining({ code: "SQL_CRASHED" }))
  expect(local.failure).toMatchObject({ code: "SQL_CRASHED" })
  await local.close()
  crashed.add(queryKey(like))
  const again = await open(disk, crashed)
  const received: string[] = []
  again.subscribe(like, (result) => received.push(result.type === "error" ? result.error.code : result.type))
  expect(received.at(-1)).toBe("SQL_CRASHED")
  expect([again.failure, ids(again)]).toEqual([null, [1]])
  await again.close()
})
