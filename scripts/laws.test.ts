// Every law, trap and threat has a test or a checker that names it, and is documented.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { root } from "./source-file.ts"

/** Of the traps after T28, those that are closed. */
const closed = [
  "T29",
  "T30",
  "T31",
  "T32",
  "T33",
  "T34",
  "T35",
  "T36",
  "T37",
  "T38",
  "T39",
  "T41",
  "T42",
  "T43",
  "T44",
  "T45",
  "T46",
]
const threats = numbered("S", 24).filter((name) => name !== "S18")
const names = [...numbered("I", 21), ...numbered("H", 10), ...numbered("T", 28), ...closed, ...threats]
/** A string or template of one line: a comment holds nothing. */
const STRING = /(["`])(?:[^"`\\\n]|\\.)*\1/g

test("every law, trap and threat is in a test's name or in a checker's message", () => {
  const said = trackedFiles()
    .filter((path) => /\.(test|spec)\.tsx?$|-contract\.ts$|\/testing\/|^proof\//.test(path))
    .flatMap((path) => Array.from(read(path).matchAll(STRING), ([text]) => text))
    .join("\n")
  expect(names.filter((name) => !isNamed(said, name))).toEqual([])
})

test("docs/guarantees.md and SECURITY.md list all of them", () => {
  const text = read("docs/guarantees.md") + read("SECURITY.md")
  expect(names.filter((name) => !isNamed(text, name))).toEqual([])
})

test("docs/guarantees.md has the figures that npm test reaches", () => {
  const text = read("docs/guarantees.md")
  const goals = Array.from(read("scripts/proofs.mjs").matchAll(/goal: ([\d_]+)/g), ([, goal]) =>
    Number(goal.replaceAll("_", "")),
  )
  expect(goals.length).toBeGreaterThan(5)
  expect(goals.filter((goal) => !text.includes(`| ${goal.toLocaleString("en")} `))).toEqual([])
})

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)
}

function isNamed(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text)
}

function trackedFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  return listed.split("\0").filter(Boolean)
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8")
}
