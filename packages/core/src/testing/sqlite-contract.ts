import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"

/** What every loader of the wasm must give: instances that share nothing (T27), with the functions that we use. */
export function sqliteContract(name: string, loadSqlite: LoadSqlite): void {
  describe(`sqlite contract: ${name}`, () => {
    beforeAll(loadChecksum)

    test("each call gives an instance of its own, and each is a whole SQLite with FTS5", async () => {
      const [one, two] = await Promise.all([loadSqlite(), loadSqlite()])
      expect(one).not.toBe(two)
      const a = new Database(one, new Storage())
      const b = new Database(two, new Storage())
      a.exec("create virtual table words using fts5(word)")
      a.exec("insert into words values ('hello')")
      expect(a.all(sql`select word from words where words match 'hello'`)).toEqual([{ word: "hello" }])
      expect(b.exec("select name from sqlite_schema")).toEqual([])
      expect(String(b.exec("select sqlite_version() as v")[0].v)).toMatch(/^3\.(5[3-9]|[6-9]\d)/)
      a.close()
      b.close()
    })
  })
}
