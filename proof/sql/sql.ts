// npm run proof -- sql: SQLite over our pages against the shell of Debian's SQLite, statement by statement.

import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadChecksum, SqlitePool, sqliteLoader } from "@lf/core/testing"
import { prove } from "../proof.ts"
import { Case } from "./case.ts"
import { Native } from "./native.ts"

await prove({ name: "sql", unit: "SQL records" }, async (proof) => {
  const native = new Native()
  await loadChecksum()
  const pool = new SqlitePool(await sqliteLoader())
  for (const seed of proof.seeds()) {
    await pool.fill(2)
    const modules = [pool.take(), pool.take()] as const
    const one = new Case(seed, modules, native)
    const wrong = await resultOf(one)
    if (wrong !== null) proof.fail(seed, wrong)
    if (proof.isReplay) {
      const path = join(tmpdir(), `lf-proof-sql-${seed}.txt`)
      writeFileSync(path, one.script())
      console.log(`what was run, and our answers: ${path}`)
    }
    proof.count(one.records)
    for (const [what, count] of Object.entries(one.figures)) proof.also(what, count)
    // What threw may have left its instance in the middle of something.
    if (wrong === null) for (const module of modules) pool.give(module)
  }
})

async function resultOf(one: Case): Promise<string | null> {
  try {
    return await one.run()
  } catch (error) {
    return `threw: ${error instanceof Error ? error.stack : String(error)}`
  }
}
