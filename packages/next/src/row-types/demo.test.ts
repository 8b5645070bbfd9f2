// The demo's own SQL, and the types that `lf types` wrote of it: `node packages/next/dist/cli/bin.js types app` renews them.
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { expect, test } from "vitest"
import { rowTypes } from "./row-types.ts"

const root = resolve(import.meta.dirname, "../../../..")

test("the demo's statements are sound, and app/lf-types.d.ts is what they say", async () => {
  const { problems, declarations, checkedCount } = await rowTypes(join(root, "app"))
  expect(problems).toEqual([])
  expect(checkedCount).toBeGreaterThan(5)
  expect(declarations).toBe(readFileSync(join(root, "app/lf-types.d.ts"), "utf8"))
})

test.each(["minimal", "todo", "auth"])("the statements of the template %s are sound", async (template) => {
  const { problems, checkedCount } = await rowTypes(join(root, "packages/create-lf-app/templates", template))
  expect(problems).toEqual([])
  expect(checkedCount).toBeGreaterThan(0)
})
