// The public surface as a file: a change of it is a change of docs/api too, and the review sees it.
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"

/** By a name that the compiler does not see, so that it wants no types for it. */
const load = async <T>(path: string) => (await import(path as string)) as T // what that file exports
const { surfaceOf, fileOf } = await load<{ surfaceOf(folder: string): string; fileOf(folder: string): string }>(
  "./api.mjs",
)
const { packages } = await load<{ packages: readonly string[] }>("./run.mjs")

// It reads what is compiled: `npm run check` compiles first, by hand it is `npm run build:packages`.
test.each(packages)("docs/api has what %s exports; npm run api writes it", (folder) => {
  expect(surfaceOf(folder)).toBe(readFileSync(fileOf(folder), "utf8"))
})
