// Every law, trap and threat has a test or a checker that names it, is defined in docs/laws.md, and is documented.
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { readSources, root } from "./source-file.ts"

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
const names = [...numbered("I", 21), ...numbered("H", 10), ...numbered("T", 28), ...closed, ...numbered("S", 24)]
/** Held by no test yet, and listed in docs/laws.md as such. */
const open = ["T40"]
/** An entry of docs/laws.md: its number, and its text up to the next empty line. */
const ENTRY = /^\*\*([IHTS]\d+) .+?\.\*\*((?:.|\n(?!\n))+)/gm
const sources = readSources("packages", "proof", "e2e", "app")
/** A string or template of one line: a comment holds nothing. */
const STRING = /(["`])(?:[^"`\\\n]|\\.)*\1/g

test("every law, trap and threat is in a test's name or in a checker's message", () => {
  const said = trackedFiles()
    .filter((path) => /\.(test|spec)\.tsx?$|-contract\.ts$|\/testing\/|^proof\//.test(path))
    .filter((path) => path !== "scripts/laws.test.ts")
    .flatMap((path) => Array.from(read(path).matchAll(STRING), ([text]) => text))
    .join("\n")
  expect(names.filter((name) => !isNamed(said, name))).toEqual([])
})

test("docs/guarantees.md and SECURITY.md list all of them", () => {
  const text = read("docs/guarantees.md") + read("SECURITY.md")
  expect(names.filter((name) => !isNamed(text, name))).toEqual([])
})

test("docs/laws.md defines each of them, and the open ones, once and in order", () => {
  const inOrder = [...names, ...open].sort((a, b) => "IHTS".indexOf(a[0]) - "IHTS".indexOf(b[0]) || order(a) - order(b))
  expect(entries().map(({ name }) => name)).toEqual(inOrder)
})

test("docs/laws.md names for each law files that exist and name it, and none for open ones", () => {
  for (const { name, text } of entries()) {
    const paths = Array.from(text.matchAll(/`((?:packages|e2e|proof|scripts)\/[^`]+)`/g), ([, path]) => path)
    expect(paths.length > 0, `${name} is held by a file`).toBe(!open.includes(name))
    expect(paths.length, `${name} is held by four files at the most`).toBeLessThanOrEqual(4)
    for (const path of paths) {
      expect(existsSync(join(root, path)), path).toBe(true)
      expect(isNamed(read(path), name), `${path} names ${name}`).toBe(true)
    }
  }
})

test("every number in a comment of the sources is defined in docs/laws.md", () => {
  const defined = new Set(entries().map(({ name }) => name))
  const unknown = sources.flatMap(({ path, comments }) =>
    Array.from(comments.join("\n").matchAll(/\b[IHTS]\d+\b/g), ([name]) => name)
      .filter((name) => !defined.has(name))
      .map((name) => `${path}: ${name}`),
  )
  expect(unknown).toEqual([])
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

function order(name: string): number {
  return Number(name.slice(1))
}

function entries(): { name: string; text: string }[] {
  return Array.from(read("docs/laws.md").matchAll(ENTRY), ([, name, text]) => ({ name, text }))
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
