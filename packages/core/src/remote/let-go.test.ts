import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { host, loadSqlite, mutator } from "../testing/small-world.ts"
import { Remote } from "./remote.ts"

beforeAll(() => loadChecksum())

/** An instance of which every call throws once `isBroken` is set, as after an exception that passed through it. */
async function breakable(): Promise<{ module: SqliteModule; state: { isBroken: boolean } }> {
  const module = await loadSqlite()
  const state = { isBroken: false }
  const proxy = new Proxy(module, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== "function" || !String(name).startsWith("_")) return value
      return (...args: unknown[]) => {
        if (state.isBroken) throw new RangeError("table index is out of bounds")
        return value.apply(target, args)
      }
    },
  })
  return { module: proxy, state }
}

test("the log is closed though SQLite throws at every call, at server and client (T44)", async () => {
  const disk = new MemoryDisk()
  const first = await breakable()
  const options = { mutator, host, loadSqlite: async () => first.module }
  const remote = await Remote.recover({ ...options, opened: await disk.open("server") })
  first.state.isBroken = true
  await remote.close().catch(() => {}) // it may reject with what failed
  const again = await Remote.recover({ opened: await disk.open("server"), mutator, host, loadSqlite })
  expect(again.query(sql`select count(*) n from todos`)).toEqual([{ n: 0 }])
  await again.close()

  const second = await breakable()
  const local = new Local({ opened: await disk.open("device"), module: second.module, mutator, host, user: null })
  second.state.isBroken = true
  await local.close().catch(() => {}) // as above
  await (await disk.open("device")).log.close()
})
