import { afterEach, expect, test, vi } from "vitest"

afterEach(() => vi.unstubAllGlobals())

test("SQLite loads in a Node that has no getBuiltinModule", async () => {
  vi.resetModules()
  vi.stubGlobal("process", { versions: process.versions, env: process.env })
  const { loadSqliteAnywhere } = await import("./load-sqlite.ts")
  expect((await loadSqliteAnywhere())._sqlite3_libversion_number()).toBeGreaterThan(3_050_000)
})
