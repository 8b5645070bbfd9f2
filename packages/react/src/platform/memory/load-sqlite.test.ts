import { afterEach, expect, test, vi } from "vitest"

afterEach(() => vi.unstubAllGlobals())

test("SQLite loads in a Node that has no getBuiltinModule", async () => {
  vi.resetModules()
  vi.stubGlobal("process", { versions: process.versions, env: process.env })
  const { loadSqliteAnywhere } = await import("./load-sqlite.ts")
  const sqlite = (await loadSqliteAnywhere()) as unknown as { _sqlite3_libversion_number(): number } // one of its exports
  expect(sqlite._sqlite3_libversion_number()).toBeGreaterThan(3_050_000)
})
