// The demo's and the templates' own SQL, and the types that `lf types` wrote of it. `npx vitest run packages/next/src/row-types/demo -u`
// renews those of the templates, `node packages/next/dist/cli/bin.js types app` and
// `… types app/sql` those of the demo.
import { readFileSync } from "node:fs"
import { cp } from "node:fs/promises"
import { join, resolve } from "node:path"
import { afterEach, expect, test } from "vitest"
import { cleanUp, temporaryDirectory } from "../testing/fixture.ts"
import { rowTypes } from "./row-types.ts"

afterEach(cleanUp)

const root = resolve(import.meta.dirname, "../../../..")

test.each([
  ["app", 5],
  ["app/sql", 1],
])("the statements of %s are sound, and its lf-types.d.ts is what they say", async (folder, more) => {
  const { problems, declarations, checkedCount } = await rowTypes(join(root, folder))
  expect(problems).toEqual([])
  expect(checkedCount).toBeGreaterThan(more)
  expect(declarations).toBe(readFileSync(join(root, folder, "lf-types.d.ts"), "utf8"))
})

test.each(["minimal", "todo", "todo auth"])(
  "the statements of a scaffold of %s are sound, and its lf-types.d.ts is what they say",
  async (layers) => {
    const directory = await temporaryDirectory()
    const folders = layers.split(" ").map((layer) => join(root, "packages/create-lf-app/templates", layer))
    for (const folder of folders) await cp(folder, directory, { recursive: true })
    const { problems, checkedCount, declarations } = await rowTypes(directory)
    expect(problems).toEqual([])
    expect(checkedCount).toBeGreaterThan(0)
    await expect(declarations).toMatchFileSnapshot(join(folders.at(-1) ?? "", "lf-types.d.ts"))
  },
)
