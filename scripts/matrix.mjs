// npm run test:matrix -- [name …]: the todo template, from packed packages, in each way to build and serve an app of Next's that
// lf promises to work with: built, started, and two browsers see each other's changes. Prints the seconds of each.
import { spawn } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { dirname, extname, join } from "node:path"
import { findChromium } from "./chromium.mjs"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { variants } from "./matrix/variants.mjs"
import { chromiumFlags, fetchCreateLfApp, freePort, installCommand, npmFlags, untilReady } from "./packed-app.mjs"
import { npm, root, run, say } from "./run.mjs"
import { printTable } from "./steps.mjs"

const asked = process.argv.slice(2)
const wrong = asked.find((name) => !Object.hasOwn(variants, name))
if (wrong !== undefined) {
  process.stderr.write(`usage: npm run test:matrix -- [${Object.keys(variants).join("|")}] …\n`)
  process.exit(2)
}

await ensureInstalled()
await ensureBuilt()
const executablePath = await findChromium()
const { chromium } = await import("@playwright/test")
const folder = mkdtempSync(join(tmpdir(), "lf-matrix-"))
const running = new Set()
try {
  const steps = []
  const prepared = await prepare()
  steps.push(...prepared.steps)
  if (prepared.steps.every(({ code }) => code === 0)) {
    for (const name of asked.length === 0 ? Object.keys(variants) : asked) {
      steps.push(...(await tryVariant(name, prepared.app)))
    }
  }
  printTable(steps)
  const failed = steps.filter(({ code }) => code !== 0).length
  process.stdout.write(`${steps.length - failed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  for (const child of running) kill(child)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** The template, scaffolded from packed packages and installed once for all variants. */
async function prepare() {
  const app = join(folder, "app")
  const { steps, commandFor } = await fetchCreateLfApp(folder)
  const commands = { scaffold: commandFor(app, "todo"), install: installCommand(app) }
  for (const [name, [program, ...args]] of Object.entries(commands)) steps.push(await step(name, program, args))
  return { app, steps }
}

async function tryVariant(name, template) {
  const app = join(folder, name)
  const port = await freePort()
  const assetsPort = await freePort()
  // Hard links: the modules are half a gigabyte.
  const steps = [await step(`${name}: copy`, "cp", ["-al", template, app])]
  const {
    files = {},
    edits = {},
    install = [],
    build = ["build"],
    start,
    path = "",
    assets,
    copies = [],
  } = variants[name]
  for (const [file, text] of Object.entries(files)) write(app, file, text)
  for (const [file, edit] of Object.entries(edits)) {
    write(app, file, edit(readFileSync(join(app, file), "utf8"), { assetsPort }))
  }
  if (install.length > 0) {
    steps.push(
      await step(`${name}: install`, npm, ["--prefix", app, "install", ...install, "--save-exact", ...npmFlags]),
    )
  }
  const next = join(app, "node_modules/next/dist/bin/next")
  if (steps.every(({ code }) => code === 0)) {
    steps.push(await step(`${name}: build`, process.execPath, [next, ...build], { cwd: app }))
  }
  if (steps.every(({ code }) => code === 0)) {
    for (const [from, to] of copies) cpSync(join(app, from), join(app, to), { recursive: true })
    const [command, ...args] = start ?? [next, "start"]
    const cdn = assets === undefined ? null : serveAssets(join(app, ".next/static"), assetsPort)
    const server = serve(app, [command.startsWith("/") ? command : join(app, command), ...args], port)
    steps.push(await browse(`${name}: two browsers`, `http://localhost:${port}${path}`, server))
    kill(server.child)
    cdn?.close()
  }
  rmSync(app, { recursive: true, force: true, maxRetries: 5 })
  return steps
}

/** Not through the link: the other variants have the same file. */
function write(app, file, text) {
  const path = join(app, file)
  mkdirSync(dirname(path), { recursive: true })
  rmSync(path, { force: true })
  writeFileSync(path, text)
}

async function step(name, command, args, { cwd = root } = {}) {
  say(name)
  const done = await run(command, args, { quiet: true, cwd })
  if (done.code !== 0) process.stdout.write(done.output)
  return { ...done, name: name.padEnd(34) }
}

function serve(cwd, args, port) {
  const env = { ...process.env, PORT: String(port), HOSTNAME: "localhost", NODE_ENV: "production" }
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, LF_DATA_DIR: join(folder, `data-${port}`) },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  })
  running.add(child)
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => chunks.push(chunk))
  return { child, output: () => Buffer.concat(chunks).toString() }
}

function kill(child) {
  running.delete(child)
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // It has ended.
  }
}

/** A change in each of two browsers is seen by the other, and a reload keeps it. */
async function browse(name, url, server) {
  say(name)
  const startedMs = performance.now()
  const browser = await chromium.launch({ executablePath, args: chromiumFlags })
  const errors = []
  let code = 0
  try {
    await untilReady(url)
    const pages = []
    for (let i = 0; i < 2; i++) {
      const page = await (await browser.newContext()).newPage()
      page.on("pageerror", (error) => errors.push(error.message))
      await page.goto(`${url}/l/matrix`)
      pages.push(page)
    }
    const [ada, ben] = pages
    const titles = (page, count) => page.waitForFunction(titlesAre, count, { timeout: 20_000 })
    await add(ada, "milk")
    await titles(ben, 1)
    await add(ben, "bread")
    await titles(ada, 2)
    await ada.reload()
    await titles(ada, 2)
    if (errors.length > 0) throw new Error(errors.join("\n"))
  } catch (error) {
    code = 1
    process.stdout.write(`${error.message}\n${errors.join("\n")}\n${server.output()}\n`)
  } finally {
    await browser.close()
  }
  return { name: name.padEnd(34), code, seconds: (performance.now() - startedMs) / 1000 }
}

function titlesAre(count) {
  return document.querySelectorAll("[data-testid=todo-title]").length === count
}

async function add(page, title) {
  await page.getByLabel("New todo").fill(title, { timeout: 20_000 })
  await page.getByLabel("New todo").press("Enter")
}

/** Stands for a CDN: the same files on another origin. */
function serveAssets(directory, port) {
  const types = { ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".svg": "image/svg+xml" }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost")
    try {
      const body = readFileSync(join(directory, decodeURIComponent(pathname).replace(/^\/_next\/static\//, "")))
      const type = types[extname(pathname)] ?? "application/octet-stream"
      response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  server.listen(port, "127.0.0.1")
  return server
}
