import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { MUTATION_STATEMENTS_MAX, MutationTx } from "./tx.ts"

beforeAll(loadChecksum)

const uid = "0190b5d2-1111-7222-8333-944455556666"
const denied = expect.objectContaining({ code: "SQL_DENIED" })
const one = sql<{ n: number }>`select 1 n`
let db: Database
beforeEach(async () => {
  db = new Database(await loadSqlite(), new Storage())
  db.exec("create table t (id integer primary key) strict")
  db.exec("begin")
})

const txOf = (id = uid) =>
  new MutationTx({ db, uid: id, nowMs: 1_700_000_000_000, author: { id: "ann" }, side: "remote" })

describe("a tx", () => {
  test("reads all rows, one row or none, and says how many a statement changed", () => {
    const tx = txOf()
    expect(tx.run(sql`insert into t values (1), (2)`)).toEqual({ changes: 2 })
    expect(tx.all(sql`select id from t order by id`)).toEqual([{ id: 1 }, { id: 2 }])
    expect(tx.get(sql`select id from t order by id desc`)).toEqual({ id: 2 })
    expect(tx.get(sql`select id from t where id = 3`)).toBe(undefined)
    expect([tx.nowMs, tx.user, tx.side]).toEqual([1_700_000_000_000, "ann", "remote"])
  })

  test("that was kept does nothing in the transaction of another mutation (T13)", () => {
    const kept = txOf()
    kept.close()
    const next = txOf("0190b5d2-1111-7222-8333-944455556667")
    for (const call of [() => kept.run(sql`insert into t values (1)`), () => kept.all(one), () => kept.get(one)])
      expect(call).toThrow(denied)
    expect(next.all(sql`select id from t`)).toEqual([])
  })

  test("does nothing after a statement that ended the transaction (T13)", () => {
    const tx = txOf()
    db.exec("rollback")
    expect(() => tx.run(sql`insert into t values (1)`)).toThrow(denied)
  })

  test(`runs ${MUTATION_STATEMENTS_MAX} statements and no more, reads and writes together (T12)`, () => {
    const tx = txOf()
    for (let i = 0; i < MUTATION_STATEMENTS_MAX / 2; i++) {
      tx.all(one)
      tx.get(one)
    }
    expect(() => tx.run(sql`insert into t values (1)`)).toThrow(expect.objectContaining({ code: "SQL_LIMIT" }))
  })
})

describe("ids of a mutation", () => {
  test("are the same at every run, UUIDs of its time, and differ within and across mutations", () => {
    const idsOf = (id?: string) => {
      const tx = txOf(id)
      return Array.from({ length: 200 }, () => tx.id())
    }
    const ids = idsOf()
    expect(idsOf()).toEqual(ids)
    const others = idsOf("0190b5d2-1111-7222-8333-944455556667")
    expect(new Set([...ids, ...others]).size).toBe(400)
    for (const id of ids) expect(id).toMatch(/^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test("have two random sequences of their own", () => {
    const id = txOf().id().replaceAll("-", "")
    expect(id.slice(13, 16)).not.toBe(id.slice(29, 32))
    expect(id.slice(17, 20)).not.toBe(id.slice(-3))
  })
})
