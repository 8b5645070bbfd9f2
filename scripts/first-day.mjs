// node scripts/first-day.mjs: a new user's first day with the auth template, from packed packages: scaffolded, installed, developed,
// shared, built, killed, opened offline, inspected, backed up and restored. Prints the seconds of each step.
import { spawn } from "node:child_process"
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findChromium } from "./chromium.mjs"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { chromiumFlags, fetchCreateLfApp, freePort, installCommand, untilReady } from "./packed-app.mjs"
import { npm, run, say } from "./run.mjs"
import { printTable } from "./steps.mjs"

await ensureInstalled()
await ensureBuilt()
const executablePath = await findChromium()
const { chromium, expect } = await import("@playwright/test")
const folder = mkdtempSync(join(tmpdir(), "lf-first-day-"))
const [app, data] = ["my-app", "data"].map((name) => join(folder, name))
const steps = []
const servers = new Set()
const browser = await chromium.launch({ executablePath, args: chromiumFlags })
try {
  await day()
} catch (error) {
  process.stdout.write(`${error.stack}\n`)
  steps.push({ name: "the next step", code: 1, seconds: 0 })
} finally {
  await browser.close()
  for (const server of servers) server.kill("SIGTERM")
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
printTable(steps.map((step) => ({ ...step, name: step.name.padEnd(44) })))
const failed = steps.filter(({ code }) => code !== 0).length
process.stdout.write(`${steps.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

async function day() {
  const { steps: fetched, commandFor } = await fetchCreateLfApp(folder)
  fetched.forEach(ended)
  await command("scaffold", ...commandFor(app, "auth"))
  await command("install", ...installCommand(app))
  await developed()
  await served()
}

/** What one does in `next dev`. */
async function developed() {
  const dev = await timed("dev: the first page", async () => {
    const server = await serve(["dev"])
    const page = await newPage()
    await page.goto(`${server.url}/sign-up`)
    await expect(field(page, "Name")).toBeVisible({ timeout: 60_000 })
    return { server, page }
  })
  const { server, page: ada } = dev
  await timed("sign up, begin a list, add a todo", async () => {
    await signUp(ada, "Ada")
    await field(ada, "New list").fill("Trip", { timeout: 60_000 })
    await ada.getByRole("button", { name: "Begin" }).click()
    await add(ada, "tent")
    await expect(ada.getByTestId("pending-count")).toHaveText("0", { timeout: 30_000 })
  })
  const ben = await newPage()
  await timed("a second user signs up, is invited and joins", async () => {
    await ben.goto(`${server.url}/sign-up`)
    await signUp(ben, "Ben")
    await field(ada, "Role").selectOption("editor")
    await ada.getByRole("button", { name: "Make an invitation" }).click()
    await ben.goto(await field(ada, "For one person").inputValue())
    await ben.getByRole("button", { name: "Join as Ben" }).click()
    await expect(ben.getByTestId("todo-title")).toHaveText(["tent"], { timeout: 30_000 })
  })
  await timed("a change is seen in the other browser", async () => {
    await add(ben, "stove")
    await expect(ada.getByTestId("todo-title")).toHaveText(["tent", "stove"])
  })
  await timed("a member is removed and reads why", async () => {
    await ada.getByRole("button", { name: "Remove Ben" }).click()
    await expect(ben.getByText("You are no member of this list")).toBeVisible({ timeout: 30_000 })
  })
  const mutations = join(app, "app/lf/todo-mutations.ts")
  const before = readFileSync(mutations, "utf8")
  // Next 16.4 applies no hot update to a page that was reached by its router: a page that was loaded gets them.
  await ada.reload()
  await timed("a mutator is edited: the next todo has it", async () => {
    edit(mutations, "tx.run(sql`insert into todos", "title = `" + "$" + "{title}!`\n  tx.run(sql`insert into todos")
    await expect(async () => {
      await add(ada, "map")
      await expect(ada.getByTestId("todo-title").last()).toHaveText("map!", { timeout: 1_000 })
    }).toPass({ timeout: 60_000 })
  })
  await timed("a migration is added: rows have the column", async () => {
    const file = join(app, "app/lf/mutators.ts")
    edit(
      file,
      "...memberTables]",
      "...memberTables, sql`alter table todos add column note text not null default 'none'`]",
    )
    edit(file, 'import { defineMutator } from "@lf/core"', 'import { defineMutator, sql } from "@lf/core"')
    await expect(async () => {
      await add(ada, "cups")
      await expect(ada.getByTestId("pending-count")).toHaveText("0", { timeout: 2_000 })
      const doc = ada.url().split("/").at(-1)
      const rows = await lf(["sql", doc, "select note from todos"], join(app, ".lf"))
      expect(rows).toContain("none")
      expect(readFileSync(join(app, "lf-types.d.ts"), "utf8")).toContain("note: string")
    }).toPass({ timeout: 60_000 })
  })
  await stop(server, "SIGTERM")
  // The template's tests know the titles as they were. Not before: Next that ends while it compiles leaves half a file of types.
  writeFileSync(mutations, before)
}

/** What one does with a built app. */
async function served() {
  await command("lint", npm, "--prefix", app, "run", "lint")
  await command("unit tests", npm, "--prefix", app, "test")
  await command("build", npm, "--prefix", app, "run", "build")
  let server = await timed("start", () => serve(["start"], data))
  const ada = await newPage()
  await timed("sign up, begin a list, add a todo", async () => {
    await ada.goto(`${server.url}/sign-up`)
    await signUp(ada, "Ada")
    await field(ada, "New list").fill("Trip")
    await ada.getByRole("button", { name: "Begin" }).click()
    await add(ada, "tent")
    await expect(ada.getByTestId("pending-count")).toHaveText("0")
  })
  const doc = ada.url().split("/").at(-1)
  await timed("a hard reload offline opens, and takes a todo", async () => {
    await ada.evaluate(() => navigator.serviceWorker.ready)
    const cdp = await ada.context().newCDPSession(ada)
    await cdp.send("Network.clearBrowserCache")
    await stop(server, "SIGKILL")
    await ada.reload()
    await expect(ada.getByTestId("todo-title")).toHaveText([/tent/])
    await add(ada, "written offline")
  })
  await timed("the killed server is started: it has everything", async () => {
    server = await serve(["start"], data, server.port)
    await expect(ada.getByTestId("pending-count")).toHaveText("0", { timeout: 30_000 })
    expect(await lf(["sql", doc, "select title from todos"], data)).toContain("written offline")
  })
  const backup = join(folder, "trip.db")
  await timed("inspect, back up", async () => {
    expect(await lf(["list"], data)).toContain(doc)
    expect(await lf(["inspect", doc], data)).toContain("todos")
    await lf(["backup", doc, backup], data)
  })
  await timed("restore: browsers get the restored rows", async () => {
    await add(ada, "after the backup")
    await expect(ada.getByTestId("pending-count")).toHaveText("0")
    await stop(server, "SIGTERM")
    await lf(["restore", doc, backup], data)
    server = await serve(["start"], data, server.port)
    await expect(ada.getByTestId("todo-title")).toHaveText([/tent/, /written offline/], { timeout: 40_000 })
  })
  await stop(server, "SIGTERM")
}

async function newPage() {
  return await (await browser.newContext()).newPage()
}

/** Next keeps pages that were left, hidden. */
function field(page, label) {
  return page.getByLabel(label).filter({ visible: true })
}

async function signUp(page, name) {
  await field(page, "Name").fill(name)
  await field(page, "E-mail").fill(`${name.toLowerCase()}-${Date.now()}@example.com`)
  await field(page, "Password").fill("correct horse")
  await page.getByRole("button", { name: "Make an account" }).click()
  await expect(page.getByRole("link", { name: "Sign out" })).toBeVisible({ timeout: 60_000 })
}

async function add(page, title) {
  await field(page, "New todo").fill(title, { timeout: 30_000 })
  await field(page, "New todo").press("Enter")
}

function edit(file, before, after) {
  const text = readFileSync(file, "utf8")
  if (!text.includes(before)) throw new Error(`${file} has no ${before}`)
  writeFileSync(file, text.replace(before, after))
}

async function command(name, program, ...args) {
  say(name)
  ended({ name, ...(await run(program, args, { quiet: true })) })
}

function ended({ name, code, output, seconds }) {
  if (code !== 0) throw new Error(`${name}\n${output}`)
  steps.push({ name, code, seconds })
}

async function timed(name, work) {
  say(name)
  const startedMs = performance.now()
  const result = await work()
  steps.push({ name, code: 0, seconds: (performance.now() - startedMs) / 1000 })
  return result
}

async function lf(args, directory) {
  const { code, output } = await run(
    process.execPath,
    [join(app, "node_modules/@lf/next/dist/cli/bin.js"), ...args, "--data", directory],
    {
      quiet: true,
    },
  )
  if (code !== 0) throw new Error(`lf ${args.join(" ")}\n${output}`)
  return output
}

async function serve(args, directory = join(app, ".lf"), known = undefined) {
  const port = known ?? (await freePort())
  const log = join(folder, `server-${port}.log`)
  const isDev = args[0] === "dev"
  // What `npm run dev` and `npm start` run, without npm between, which passes no signal on.
  const program = isDev ? ["scripts/dev.mjs"] : ["node_modules/next/dist/bin/next", ...args]
  const child = spawn(process.execPath, [...program, "--port", String(port)], {
    cwd: app,
    env: { ...process.env, LF_DATA_DIR: directory, NODE_ENV: isDev ? "development" : "production" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  servers.add(child)
  for (const stream of [child.stdout, child.stderr]) stream.pipe(createWriteStream(log, { flags: "a" }))
  const url = `http://localhost:${port}`
  await untilReady(url).catch((error) => {
    throw new Error(`${error.message}\n${readFileSync(log, "utf8")}`)
  })
  return { child, url, port }
}

async function stop({ child }, signal) {
  servers.delete(child)
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once("exit", resolve))
  child.kill(signal)
  await gone
}
