// Apps, examples and commands each read LF_DATABASE_URL by themselves, and must take it for the same databases.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"

const root = new URL("..", import.meta.url).pathname
const ONE_FORM = "process.env.LF_DATABASE_URL?.match(/\\S+/g)"

test("whatever reads LF_DATABASE_URL reads it in one form", () => {
  const found = execFileSync("git", ["grep", "-l", "env.LF_DATABASE_URL"], { cwd: root, encoding: "utf8" })
  const files = found.split("\n").filter((file) => file !== "" && !file.includes(".test."))
  expect(files).toContain("packages/create-lf-app/templates/common/lf.server.ts")
  for (const file of files) {
    const forms = readFileSync(join(root, file), "utf8").match(/process\.env\.LF_DATABASE_URL\S*/g)
    expect([file, ...new Set(forms)]).toEqual([file, ONE_FORM])
  }
})

test.each([
  [undefined, null],
  ["", null],
  [" \n", null],
  ["postgres://a/b", ["postgres://a/b"]],
  ["\n postgres://a/b  postgres://c/d\t\n", ["postgres://a/b", "postgres://c/d"]],
])("%j is %j", (url, databases) => {
  expect(url?.match(/\S+/g) ?? null).toEqual(databases)
})
