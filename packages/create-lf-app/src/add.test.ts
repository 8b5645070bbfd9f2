import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { main } from "./main.ts"

let cwd: string
let said: string
let complained: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "lf-add-"))
  said = ""
  complained = ""
})
afterEach(() => rmSync(cwd, { recursive: true }))

/** `--add` as in a script: no terminal, and nothing is installed. */
function add(...args: string[]): Promise<number> {
  return main(["--add", "--no-install", ...args], {
    cwd,
    isInteractive: false,
    userAgent: "npm/10.0.0",
    say: (text) => {
      said += `${text}\n`
    },
    complain: (text) => {
      complained += `${text}\n`
    },
  })
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(cwd, file)), { recursive: true })
  writeFileSync(join(cwd, file), text)
}

const read = (file: string) => readFileSync(join(cwd, file), "utf8")
const listing = () => readdirSync(cwd, { recursive: true, encoding: "utf8" }).sort()

const PACKAGE = {
  name: "mine",
  scripts: { build: "next build" },
  dependencies: { next: "16.4.3", react: "19.3.0", zod: "3.0.0" },
}

/** An App Router app, below `base`. */
function app(base = ""): void {
  write("package.json", `${JSON.stringify(PACKAGE, null, 4)}\n`)
  write("tsconfig.json", "{}")
  write(`${base}app/page.tsx`, "export default () => null\n")
  write("next.config.mjs", "export default {}\n")
}

describe("--add", () => {
  test.each(["", "src/"])(
    "adds files, dependencies and config to an app with %sapp/, each shown first",
    async (base) => {
      app(base)
      expect(await add("--yes")).toBe(0)
      for (const file of [
        "lf.server.ts",
        "app/api/lf/route.ts",
        "app/lf/worker.ts",
        "app/lf/todo-mutations.ts",
        "app/lf/[id]/page.tsx",
      ]) {
        expect(said).toContain(`create ${join(base, file)} (`)
        expect(read(join(base, file))).not.toBe("")
      }
      expect(read(`${base}app/lf/todos-page.tsx`)).toContain('from "./connect"')
      expect(read(`${base}app/lf/todos.tsx`)).toContain('from "./todo-mutations"')
      expect(read(`${base}app/lf/[id]/page.tsx`)).toContain('from "../todos"')
      expect(read("next.config.mjs")).toContain("export default withLf({})")
      expect(read(".gitignore")).toContain("\n.lf\n")
      expect(read("lf-types.d.ts")).toContain("allTodos: {")
      const made = read("package.json")
      // What the app has stays, and so does how it is indented.
      expect(JSON.parse(made).dependencies).toMatchObject({
        next: "16.4.3",
        zod: "3.0.0",
        "@lf/next": expect.any(String),
      })
      expect(made).toContain('\n    "name"')
      expect(said).toContain("http://localhost:3000/lf/first")
    },
  )

  test("in a script without --yes it shows the changes and makes none", async () => {
    app()
    const before = listing()
    expect(await add()).toBe(1)
    expect(said).toMatch(/edit package\.json\n[\s\S]*\+ .*@lf\/core/)
    expect(said).toMatch(/edit next\.config\.mjs\n {2}- export default \{\}\n/)
    expect(listing()).toEqual(before)
  })

  test("overwrites nothing: a second time it is refused, and so is a file of one of its names", async () => {
    app()
    write("lf.server.ts", "mine")
    expect(await add("--yes")).toBe(1)
    expect(complained).toMatch(/nothing is overwritten\.\n {2}lf\.server\.ts\nNothing was written/)
    expect([read("lf.server.ts"), listing()]).toEqual(["mine", expect.not.arrayContaining([".gitignore"])])
  })

  test("a change that fails undoes those before it", async () => {
    app()
    // Where a directory has to be.
    write("app/lf", "a file")
    const before = listing()
    await expect(add("--yes")).rejects.toThrow()
    expect(listing().filter((path) => path.endsWith(".ts"))).toEqual(before.filter((path) => path.endsWith(".ts")))
    expect(read("package.json")).not.toContain("@lf/core")
  })

  test("a config of another form is left to its author, who is shown what to do", async () => {
    app()
    write("next.config.mjs", "export default {\n  a: 1,\n}\n")
    expect(await add("--yes")).toBe(0)
    expect(said).toMatch(/By hand: next\.config\.mjs .*withLf/)
    expect(read("next.config.mjs")).toBe("export default {\n  a: 1,\n}\n")
  })

  test.each([
    ["next build --turbopack", "lf types && next build --turbopack"],
    ["prisma generate && next build", "prisma generate && lf types && next build"],
    ["dotenv -- next build", null],
    ["next build-something", null],
    [undefined, null],
  ])("the build %j becomes %j; null: it is left to its author", async (build, after) => {
    app()
    write("package.json", JSON.stringify({ ...PACKAGE, scripts: { build } }))
    expect(await add("--yes")).toBe(0)
    expect(JSON.parse(read("package.json")).scripts.build).toBe(after ?? build)
    expect(said.includes("By hand: package.json: run `lf types`")).toBe(after === null)
  })

  test("an app without a config gets one, and one that ignores .lf keeps its .gitignore", async () => {
    app()
    rmSync(join(cwd, "next.config.mjs"))
    write(".gitignore", "/.lf/\n")
    expect(await add("--yes")).toBe(0)
    expect(read("next.config.mjs")).toContain("withLf({})")
    expect(read(".gitignore")).toBe("/.lf/\n")
  })

  test.each([
    ["no package.json", () => rmSync(join(cwd, "package.json")), /no package\.json/],
    ["a package.json that is none", () => write("package.json", "[]"), /no JSON object/],
    ["no Next", () => write("package.json", "{}"), /no dependency `next`/],
    ["an old Next", () => write("package.json", '{"dependencies":{"next":"^15.4.0"}}'), /needs next 15\.5\.0 or newer/],
    ["no TypeScript", () => rmSync(join(cwd, "tsconfig.json")), /no tsconfig\.json/],
    ["no App Router", () => rmSync(join(cwd, "app"), { recursive: true }), /needs the App Router/],
  ])("%s is refused in a sentence, and nothing is written", async (_what, change, reason) => {
    app()
    change()
    const before = listing()
    expect(await add("--yes")).toBe(1)
    expect(complained).toMatch(reason)
    expect(listing()).toEqual(before)
  })

  test.each(["latest", "16", "^16.4.0", "17.0.0", "file:../next.tgz"])("next %s is new enough", async (next) => {
    app()
    write("package.json", JSON.stringify({ dependencies: { next } }))
    expect(await add("--yes")).toBe(0)
  })
})
