// The reference is made of docstrings: a change of one is a change of its page too.
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"

/** By a name that the compiler does not see, so that it wants no types for it. */
const load = async <T>(path: string) => (await import(path as string)) as T // what that file exports
type Entry = readonly [string, string, string]
const { entries, fileOf, pageOf } = await load<{
  entries: readonly Entry[]
  fileOf(entry: string): string
  pageOf(entry: Entry): string
}>("./reference.mjs")

// It reads what is compiled: `npm run check` compiles first, by hand it is `npm run build:packages`.
test.each(entries)("docs/reference has the docstrings of %s; npm run docs writes it", (...entry) => {
  expect(pageOf(entry)).toBe(readFileSync(fileOf(entry[0]), "utf8"))
})

test("each function and class that apps import has a docstring", () => {
  const silent = entries.flatMap((entry) =>
    Array.from(
      pageOf(entry).matchAll(/^### (.+)\n\n```typescript\n(function|class)/gm),
      ([, name]) => `${entry[0]} ${name}`,
    ),
  )
  expect(silent).toEqual([])
})

test("docs/limits.md has every limit of the sources with its number; npm run docs writes it", async () => {
  const { limitsPage, page } = await load<{ limitsPage(): Promise<string>; page: string }>("./docs/limits.mjs")
  expect(await limitsPage()).toBe(readFileSync(page, "utf8"))
})
