// SECURITY.md says what the code does: its limits, and the tests that hold each threat.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { LIMITS } from "../packages/next/src/limits/limits.ts"
import { root } from "./source-file.ts"

const security = readFileSync(join(root, "SECURITY.md"), "utf8")

test("SECURITY.md lists exactly the limits, each with its default (I17)", () => {
  const rows = security.matchAll(/^\| `(\w+)` \| (\d+) \| .+ \|$/gm)
  expect(Object.fromEntries(Array.from(rows, ([, name, value]) => [name, Number(value)]))).toEqual(LIMITS)
})

test("SECURITY.md names for every threat tests that name it", () => {
  const rows = Array.from(security.matchAll(/^\| (S\d+(?: S\d+)?) .+ \| .+ \| (.+) \|$/gm))
  const threats = rows.flatMap(([, names]) => names.split(" "))
  expect(threats).toEqual(Array.from({ length: 24 }, (_, i) => `S${i + 1}`))
  for (const [, names, files] of rows) {
    const threat = names.split(" ")[0]
    for (const file of files.split(", ")) {
      expect(existsSync(join(root, file)), file).toBe(true)
      expect(readFileSync(join(root, file), "utf8"), `${file} names ${threat}`).toMatch(new RegExp(`\\b${threat}\\b`))
    }
  }
})
