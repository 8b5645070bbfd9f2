import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"

const script = fileURLToPath(new URL("../templates/common/scripts/dev.mjs", import.meta.url))
/** Stands for a program that runs until a signal: prints its arguments, and the signal. */
const program = (name: string) => `
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {
  process.stdout.write("${name} " + signal + "\\n")
  process.exit(0)
})
setInterval(() => {}, 1000)
process.stdout.write("${name} " + process.argv.slice(2).join(" ") + "\\n")
`

let app: string
let child: ChildProcess | undefined

beforeEach(() => {
  app = mkdtempSync(join(tmpdir(), "lf-dev-"))
  write("package.json", '{ "type": "module" }')
  write("node_modules/next/package.json", '{ "name": "next" }')
  write("node_modules/@lf/next/package.json", '{ "type": "module", "exports": "./dist/index.js" }')
  write("node_modules/@lf/next/dist/index.js", "")
  write("node_modules/@lf/next/dist/cli/bin.js", program("lf"))
  mkdirSync(join(app, "scripts"))
  copyFileSync(script, join(app, "scripts/dev.mjs"))
})
afterEach(() => {
  child?.kill("SIGKILL")
  rmSync(app, { recursive: true })
})

function write(file: string, text: string): void {
  mkdirSync(dirname(join(app, file)), { recursive: true })
  writeFileSync(join(app, file), text)
}

/** `npm run dev -- --port 4000`, of an app whose Next is this program. */
function dev(next: string) {
  write("node_modules/next/dist/bin/next", next)
  const started = spawn(process.execPath, [join(app, "scripts/dev.mjs"), "--port", "4000"], { cwd: app })
  child = started
  let printed = ""
  started.stdout.on("data", (bytes) => {
    printed += bytes
  })
  // Its output ends when each process that could write to it has ended.
  const closed = once(started, "close").then(([code]) => code)
  return { started, closed, lines: () => printed.split("\n").filter(Boolean).sort() }
}

test.each(["SIGINT", "SIGTERM"] as const)("%s ends next dev, and lf types with it", async (signal) => {
  const { started, closed, lines } = dev(program("next"))
  await expect.poll(lines, { timeout: 10_000 }).toEqual(["lf types --watch", "next dev --port 4000"])
  started.kill(signal)
  expect(await closed).toBe(0)
  expect(lines()).toEqual(["lf SIGTERM", "lf types --watch", `next ${signal}`, "next dev --port 4000"])
})

test("lf types ends when next dev does, with next's exit code", async () => {
  expect(await dev("process.exit(3)").closed).toBe(3)
})
