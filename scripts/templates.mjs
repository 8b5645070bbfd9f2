// node scripts/templates.mjs [minimal|todo|auth] [--pm pnpm]: each template as a user gets it, from packed packages: scaffolded,
// installed, linted, tested, built, and opened in browsers. Prints the seconds of each step.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { findChromium } from "./chromium.mjs"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { fetchCreateLfApp, freePort, installCommand } from "./packed-app.mjs"
import { npm, run, say } from "./run.mjs"
import { printTable } from "./steps.mjs"

const names = ["minimal", "todo", "auth"]
const pnpm = ["npx", "--yes", "pnpm@10.34.8", "--dir"]
const pnpmFlags = ["--prefer-offline", "--ignore-scripts"]
/** How each package manager runs a script of an app, and how it installs the app. */
const managers = {
  npm: { runIn: (app) => [npm, "--prefix", app, "run"], installCommand },
  pnpm: { runIn: (app) => [...pnpm, app, "run"], installCommand: (app) => [...pnpm, app, "install", ...pnpmFlags] },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pm: { type: "string", default: "npm" } },
})
const wrong = positionals.find((name) => !names.includes(name))
if (wrong !== undefined || !Object.hasOwn(managers, values.pm)) {
  process.stderr.write(
    `usage: node scripts/templates.mjs [${names.join("|")}] [--pm ${Object.keys(managers).join("|")}]\n`,
  )
  process.exit(2)
}

await ensureInstalled()
await ensureBuilt()
const chromium = await findChromium()
const folder = mkdtempSync(join(tmpdir(), "lf-templates-"))
try {
  const { steps, commandFor } = await fetchCreateLfApp(folder)
  for (const name of positionals.length === 0 ? names : positionals) {
    steps.push(...(await tryTemplate(name, commandFor)))
  }
  printTable(steps)
  const failed = steps.filter(({ code }) => code !== 0).length
  process.stdout.write(`${steps.length - failed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Its steps until the first that fails. */
async function tryTemplate(name, commandFor) {
  const app = join(folder, name)
  const manager = managers[values.pm]
  const script = (which) => [...manager.runIn(app), which]
  const env = { CHROMIUM_PATH: chromium ?? "", PORT: String(await freePort()) }
  const plan = [
    ["scaffold", commandFor(app, name)],
    ["install", manager.installCommand(app)],
    ["lint", script("lint")],
    ["unit", script("test")],
    ["build", script("build")],
    ["browser", script("test:e2e")],
  ]
  const steps = []
  for (const [title, command] of plan) {
    if (title === "install") overrideRegistry(app)
    steps.push(await step(`${name} ${title}`, command, env))
    if (steps.at(-1).code !== 0) break
  }
  return steps
}

async function step(name, [command, ...args], env = {}) {
  say(name)
  const done = await run(command, args, { quiet: true, env })
  if (done.code !== 0) process.stdout.write(done.output)
  return { name: name.padEnd(18), ...done }
}

/** npm takes the packed packages for what other packed ones depend on; pnpm would ask the registry for them. */
function overrideRegistry(app) {
  if (values.pm !== "pnpm") return
  const file = join(app, "package.json")
  const json = JSON.parse(readFileSync(file, "utf8"))
  const overrides = Object.fromEntries(Object.entries(json.dependencies).filter(([name]) => name.startsWith("@lf/")))
  writeFileSync(file, JSON.stringify({ ...json, pnpm: { overrides } }, null, 2))
}
