import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { main } from "./main.ts"

let cwd: string
let said: string
let complained: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "create-lf-app-"))
  said = ""
  complained = ""
})
afterEach(() => rmSync(cwd, { recursive: true }))

/** As in a script: no terminal. */
function run(...args: string[]): Promise<number> {
  return main(args, {
    cwd,
    isInteractive: false,
    userAgent: "pnpm/10.1.0",
    say: (text) => {
      said += `${text}\n`
    },
    complain: (text) => {
      complained += `${text}\n`
    },
  })
}

function read(file: string): string {
  return readFileSync(join(cwd, file), "utf8")
}

/** Every file below the directory, with its path from there. */
function listing(directory: string): string[] {
  return readdirSync(join(cwd, directory), { recursive: true, encoding: "utf8" }).sort()
}

describe("a new app", () => {
  test("has the template's files, with _gitignore renamed", async () => {
    expect(await run("todo-list", "--no-install")).toBe(0)
    const template = readdirSync(new URL("../template", import.meta.url), { recursive: true, encoding: "utf8" })
    expect(listing("todo-list")).toEqual(template.map((file) => (file === "_gitignore" ? ".gitignore" : file)).sort())
    expect(read("todo-list/.gitignore")).toContain("node_modules")
  })

  test("has its name and this release's packages", async () => {
    await run("todo-list", "--no-install")
    const version = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version
    const made = JSON.parse(read("todo-list/package.json"))
    expect(made.name).toBe("todo-list")
    expect(made.dependencies).toMatchObject({
      "@lf/core": `^${version}`,
      "@lf/react": `^${version}`,
      "@lf/next": `^${version}`,
      next: "16.4.5",
    })
    expect(read("todo-list/README.md")).toMatch(/^# todo-list\n/)
  })

  test("is my-app by default, and is not asked for without a terminal", async () => {
    expect(await run("--no-install")).toBe(0)
    expect(JSON.parse(read("my-app/package.json")).name).toBe("my-app")
  })

  test("ends with what to type next", async () => {
    await run("apps/todo-list", "--no-install")
    expect(said).toContain("  cd apps/todo-list\n  pnpm install\n  pnpm run dev\n")
  })

  test("goes into a repository that was just made", async () => {
    mkdirSync(join(cwd, "mine/.git"), { recursive: true })
    expect(await run("mine", "--no-install")).toBe(0)
    expect(read("mine/package.json")).toContain('"mine"')
  })

  test("takes packed packages for tests, and says which are missing before it writes anything", async () => {
    mkdirSync(join(cwd, "packs"))
    for (const name of ["core", "react"]) writeFileSync(join(cwd, `packs/lf-${name}-0.1.0.tgz`), "")
    await expect(run("app", "--no-install", "--lf-from", join(cwd, "packs"))).rejects.toThrow("no lf-next-*.tgz")
    expect(readdirSync(cwd)).toEqual(["packs"])
    writeFileSync(join(cwd, "packs/lf-next-0.1.0.tgz"), "")
    expect(await run("app", "--no-install", "--lf-from", join(cwd, "packs"))).toBe(0)
    expect(JSON.parse(read("app/package.json")).dependencies["@lf/core"]).toBe(
      `file:${join(cwd, "packs/lf-core-0.1.0.tgz")}`,
    )
  })
})

describe("refused", () => {
  test("a directory that is not empty, and nothing is written", async () => {
    mkdirSync(join(cwd, "full"))
    writeFileSync(join(cwd, "full/thesis.txt"), "years of work")
    expect(await run("full")).toBe(1)
    expect(complained).toContain("full is not empty. It holds thesis.txt. Nothing was written.")
    expect(listing("full")).toEqual(["thesis.txt"])
    expect(said).toBe("")
  })

  test("a file", async () => {
    writeFileSync(join(cwd, "file"), "")
    expect(await run("file")).toBe(1)
    expect(complained).toContain("is not a directory")
  })

  test("an invalid name, and nothing is written", async () => {
    expect(await run("My App")).toBe(1)
    expect(complained).toContain("Perhaps my-app?")
    expect(readdirSync(cwd)).toEqual([])
  })

  test("an unknown flag, with the usage", async () => {
    expect(await run("--nonsense")).toBe(2)
    expect(complained).toContain("usage: npm create lf-app@latest")
    expect(readdirSync(cwd)).toEqual([])
  })
})

test("--help and --version only say so", async () => {
  expect(await run("--help")).toBe(0)
  expect(await run("--version")).toBe(0)
  expect(said).toMatch(/usage:[\s\S]*\n\d+\.\d+\.\d+\n$/)
  expect(readdirSync(cwd)).toEqual([])
})
