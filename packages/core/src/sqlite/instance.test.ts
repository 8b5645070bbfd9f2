import { expect, test } from "vitest"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { Database } from "./database.ts"

/** Calls of the file system that came through the build's relay, for a few statements on it. */
async function relayed({ hasShortcut }: { hasShortcut: boolean }): Promise<number> {
  const module = await loadSqlite()
  const set = module.setCallback
  let calls = 0
  module.setCallback = (key, target) => {
    if (typeof target !== "function") return set(key, target)
    set(key, (...args: unknown[]) => {
      calls++
      return target(...args)
    })
  }
  if (!hasShortcut) module.dispatchVfs = () => {}
  const db = new Database(module, new Storage())
  calls = 0
  db.exec("create table t (v any) strict")
  db.exec("insert into t values (7)")
  db.resetCache()
  expect(db.exec("select v from t")).toEqual([{ v: 7 }])
  db.close()
  return calls
}

test("the file system is called without the build's relay, and through it where there is no other way", async () => {
  const [through, around] = [await relayed({ hasShortcut: false }), await relayed({ hasShortcut: true })]
  expect(through).toBeGreaterThan(20)
  // The authorizer and the progress handler have keys of their own.
  expect(around).toBeLessThan(through - 20)
})
