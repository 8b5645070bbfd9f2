import { expect, test } from "vitest"
import { apart } from "./apart.mjs"

// Those without neighbours and servers. They use the packages' inner modules, and no type checker reads them.
test.each(["rerun", "wire", "catch-up", "tracker"])("the benchmark %s runs and measures", async (name) => {
  const rows = await apart("./children/one.mjs", [name, "--quick"])
  expect(rows).not.toEqual([])
  for (const row of rows) {
    expect(row).toMatchObject({ name })
    expect(row.value, row.variant).toBeGreaterThan(0)
    expect(row.ratio, row.variant).toBeGreaterThan(0)
  }
})
