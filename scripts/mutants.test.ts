// Each argued mutant names a line that exists, and has its reason.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { root } from "./source-file.ts"

type Argued = readonly [file: string, line: string, from: string, to: string, why: string]

/** By names that the compiler does not see, so that it wants no types for them. */
const load = async <T>(path: string) => (await import(path as string)) as T // what those files export
const { argued } = await load<{ argued: readonly Argued[] }>("./mutants/argued.mjs")
const { areas, floorOf } = await load<{
  areas: readonly { readonly files: readonly string[]; readonly tests: readonly string[] }[]
  floorOf(file: string): number
}>("./mutants/areas.mjs")

test("each argued mutant names a line that is there, and gives its reason", () => {
  const missing = argued.filter(([file, line, from, , why]) => {
    const lines = readFileSync(join(root, file), "utf8").split("\n")
    const text = lines.join(" ").replaceAll(/\s+/g, " ")
    return !lines.some((one) => one.trim().startsWith(line)) || !text.includes(from) || !/^[A-Z].{10,}\.$/.test(why)
  })
  expect(missing).toEqual([])
})

test("each file and test of an area is there", () => {
  const named = areas.flatMap(({ files, tests }) => [...files, ...tests])
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test("a file of the journal or of the remote has a floor of 92, others of 85", () => {
  const folders = ["journal", "remote", "storage", "local"].map((name) => `packages/core/src/${name}/any.ts`)
  expect(folders.map(floorOf)).toEqual([92, 92, 85, 85])
})
