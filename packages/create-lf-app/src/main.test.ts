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

/** What every template has. */
const COMMON = [
  ".dockerignore",
  ".gitignore",
  "AGENTS.md",
  "Dockerfile",
  "README.md",
  "app/api/lf/route.ts",
  "app/lf/mutators.ts",
  "app/sw.ts",
  "eslint.config.mjs",
  "lf.server.ts",
  "playwright.config.ts",
  "scripts/service-worker.mjs",
  "vitest.config.ts",
]

function filesOfLayer(layer: string): string[] {
  return readdirSync(new URL(`../templates/${layer}`, import.meta.url), { recursive: true, encoding: "utf8" })
}

describe("a new app", () => {
  test("has the todo template's files by default, with _gitignore renamed", async () => {
    expect(await run("todo-list", "--no-install")).toBe(0)
    const layers = ["common", "todo"].flatMap(filesOfLayer)
    const files = layers.map((file) => (file === "_gitignore" ? ".gitignore" : file))
    expect(listing("todo-list")).toEqual([...new Set(files)].sort())
    expect(read("todo-list/.gitignore")).toContain("node_modules")
  })

  test.each([
    ["minimal", "app/page.tsx", "app/todos.tsx"],
    ["todo", "app/todos.tsx", "auth.server.ts"],
    ["auth", "auth.server.ts", "app/api/lf/missing.ts"],
  ])("--template %s has what all have, and %s, but no %s", async (template, own, foreign) => {
    expect(await run("app", "--no-install", "--template", template)).toBe(0)
    const files = listing("app")
    expect(files).toEqual(expect.arrayContaining([...COMMON, own]))
    expect(files).not.toContain(foreign)
    const { scripts } = JSON.parse(read("app/package.json"))
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["dev", "build", "start", "lint", "test", "test:e2e"]))
    for (const file of ["README.md", "AGENTS.md", "Dockerfile", "app/layout.tsx"])
      expect(read(`app/${file}`)).not.toContain("my-app")
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
      "@lf/postgres": `^${version}`,
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
    for (const name of ["core", "react", "postgres"]) writeFileSync(join(cwd, `packs/lf-${name}-0.1.0.tgz`), "")
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

  test.each([
    [["--template", "blog"], "--template is one of minimal, todo, auth; not blog."],
    [["--template"], "--template"],
    [["--add", "--template", "auth"], "--add or --template, not both"],
  ])("%j, with the usage and status 2, and nothing is written", async (args, reason) => {
    expect(await run("app", ...args)).toBe(2)
    expect(complained).toContain(reason)
    expect(complained).toContain("--template <name>  minimal, todo, auth (default: todo)")
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
