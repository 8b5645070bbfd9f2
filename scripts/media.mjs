// npm run media makes pictures. In docs/media: demo.png, two windows of the demo on one list, the right one offline with edits
// that wait; sql.png, a query over 100,000 rows; devtools-*.png, the demo in development with its devtools open;
// tracker*.png, the tracker; list-*.png and first-page-*.png, the demo in Firefox and in WebKitGTK. In app, what others
// show of the demo's address: share-picture.png, its first page, and apple-icon.png, its icon on a phone.
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { chromium, expect } from "@playwright/test"
import { findBrowsers } from "./browsers.mjs"
import { findChromium } from "./chromium.mjs"
import { bin, must, root, say } from "./run.mjs"
import { buildApp, buildTracker, serverFile, tracker } from "./server.mjs"
import { askedFor } from "./tools.mjs"

const port = process.env.PORT ?? "3479"
const media = join(root, "docs/media")
const view = { width: 620, height: 620 }

const dataDir = mkdtempSync(join(tmpdir(), "lf-media-"))
await buildApp()
const server = serve([serverFile], port, "production")
const devPort = String(Number(port) + 1)
const trackerPort = String(Number(port) + 2)
await buildTracker()
const trackerServer = serve([tracker.next, "start", "-p", trackerPort], trackerPort, "production", tracker.cwd)
const devServer = serve([...bin.next, "dev", "-p", devPort], devPort, "development")
const executablePath = askedFor("LF_CHROMIUM_PATH") ?? (await findChromium())
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
try {
  const url = `http://localhost:${port}/l/groceries`
  await answers(url)
  const left = await open(url)
  await left.getByTestId("list-name").fill("Groceries")
  await left.getByTestId("list-name").press("Enter")
  await add(left, "Bread", "Tomatoes", "Coffee")
  const right = await open(url)
  await row(right, "Bread").getByRole("checkbox").click()
  await expect(row(left, "Bread").getByRole("checkbox")).toBeChecked()
  await right.getByTestId("offline-switch").click()
  await expect(right.getByTestId("connection-status")).toHaveAttribute("data-status", "offline")
  await add(right, "Olives")
  await row(right, "Tomatoes").getByRole("checkbox").click()
  await expect(right.getByTestId("pending-count")).toHaveText("2")
  await picture([await windowOf(left), await windowOf(right)])
  await social(`http://localhost:${port}`)
  await rows(`http://localhost:${port}/sql`)
  const devUrl = `http://localhost:${devPort}/l/picnic`
  await answers(devUrl)
  await devtools(devUrl)
  await twoUsers(`http://localhost:${trackerPort}`)
} finally {
  await browser.close()
  server.kill("SIGKILL")
  trackerServer.kill("SIGKILL")
  // Its child writes to the folder until the end.
  const ended = new Promise((resolve) => devServer.once("exit", resolve))
  devServer.kill("SIGTERM")
  await ended
  rmSync(dataDir, { recursive: true, force: true })
}
const env = { ...(await findBrowsers()), LF_PICTURES: media }
await must(process.execPath, [...bin.playwright, "test", "--project", "engines", "--workers", "1"], { env })
say(`the pictures in ${media} are new`)

/** The two panes in the middle of their work, and the icon without its corners. */
async function social(url) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 630 }, colorScheme: "light" })
  await page.goto(url)
  const [laptop, phone] = [page.getByRole("article").first(), page.getByRole("article").last()]
  const write = async (pane, title) => {
    await pane.getByRole("textbox").fill(title)
    await pane.getByRole("textbox").press("Enter")
    await expect(pane.getByRole("checkbox", { name: title })).toBeVisible()
  }
  for (const pane of [laptop, phone]) await expect(pane.getByRole("status")).toHaveText("Online")
  await write(laptop, "Bread")
  await expect(phone.getByRole("checkbox", { name: "Bread" })).toBeVisible()
  await phone.getByRole("switch").click()
  await write(phone, "Written in a tunnel")
  await page.evaluate(() => document.activeElement?.blur())
  await page.screenshot({ path: join(root, "app/share-picture.png") })
  await page.setViewportSize({ width: 180, height: 180 })
  await page.goto(`${url}/icon.svg`)
  await page.screenshot({ path: join(root, "app/apple-icon.png") })
  await page.close()
}

/** A query after three edits: one of a page that it read, two of others. */
async function rows(url) {
  const page = await browser.newPage({ viewport: { width: 1120, height: 1000 }, colorScheme: "light" })
  await page.goto(url)
  await expect(page.getByText("100,000 tasks")).toBeVisible({ timeout: 60_000 })
  await page.getByRole("button", { name: "Top 20 by an index" }).click()
  const runs = page.getByRole("list", { name: "Runs" }).getByRole("listitem")
  for (const [name, count] of [
    ["Rename a shown one", 3],
    ["Reprioritize one", 5],
    ["Rename one", 7],
  ]) {
    await page.getByRole("button", { name, exact: true }).click()
    await expect(runs).toHaveCount(count)
  }
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(media, "sql.png"), animations: "disabled" })
  await page.close()
}

/** A window of its own, with a profile of its own. */
async function open(url) {
  const context = await browser.newContext({ viewport: view, deviceScaleFactor: 2, colorScheme: "light" })
  const page = await context.newPage()
  await page.goto(url)
  await expect(page.getByPlaceholder("What needs to be done?")).toBeVisible()
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
  return page
}

async function add(page, ...titles) {
  const input = page.getByPlaceholder("What needs to be done?")
  for (const title of titles) {
    await input.fill(title)
    await input.press("Enter")
    await expect(row(page, title)).toHaveCount(1)
  }
}

function row(page, title) {
  return page.getByTestId("todo-item").filter({ hasText: title })
}

/** What it shows, at rest: no cursor, no hover, no movement. */
async function windowOf(page) {
  await page.mouse.move(0, 0)
  await page.evaluate(() => document.activeElement?.blur())
  return (await page.screenshot({ animations: "disabled" })).toString("base64")
}

/** Both windows in frames, side by side. */
async function picture(windows) {
  const context = await browser.newContext({ viewport: { width: 1336, height: 717 }, deviceScaleFactor: 2 })
  const page = await context.newPage()
  const frames = windows.map(
    (data) => `<figure><header><i></i><i></i><i></i></header><img src="data:image/png;base64,${data}"></figure>`,
  )
  const style = `body{margin:0;padding:32px;display:flex;gap:32px;background:#e9edf2}
    figure{margin:0;border-radius:10px;overflow:hidden;box-shadow:0 4px 18px #0003;background:#fff}
    header{display:flex;gap:7px;padding:11px 14px;background:#dfe3e8}
    i{width:11px;height:11px;border-radius:50%;background:#b6bdc6}
    img{display:block;width:${view.width}px}`
  await page.setContent(`<!doctype html><style>${style}</style>${frames.join("")}`)
  await expect.poll(() => page.evaluate(() => Array.from(document.images).every((image) => image.complete))).toBe(true)
  mkdirSync(media, { recursive: true })
  await page.locator("body").screenshot({ path: join(media, "demo.png") })
}

/** A server of the demo or of the tracker, on its own data. */
function serve(args, port, mode, cwd = root) {
  const env = { ...process.env, NODE_ENV: mode, PORT: port, LF_DATA_DIR: join(dataDir, port) }
  return spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] })
}

async function answers(url) {
  const isThere = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(isThere, { timeout: 60_000 }).toBe(true)
}

/** Two users: one reads an issue of the list, the other has the board, in the dark and on a phone as well. */
async function twoUsers(url) {
  const open = async (name, colorScheme) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme })
    const page = await context.newPage()
    await page.goto(url)
    await page.getByLabel("Your name").fill(name)
    await page.getByRole("button", { name: "Sign in" }).click()
    await expect(page.getByTestId("count")).toHaveText("5,000 issues", { timeout: 60_000 })
    return page
  }
  const shoot = async (page, name) => {
    await page.mouse.move(0, 0)
    await page.screenshot({ path: join(media, name), animations: "disabled" })
  }
  const [ada, bob] = [await open("Ada", "light"), await open("Bob", "dark")]
  await bob.locator(".issue-row").nth(3).click()
  await ada.getByLabel("Label").selectOption("performance")
  await expect(ada.locator(".issue-row").first()).not.toContainText("5000")
  await ada.getByLabel("Label").selectOption("")
  await expect(ada.locator(".issue-row").first()).toContainText("5000")
  await ada.locator(".issue-row").nth(1).click()
  await expect(ada.getByLabel("New comment")).toBeVisible()
  await expect(ada.locator(".issue-row").nth(3)).toContainText("Bob")
  await shoot(ada, "tracker.png")
  await bob.getByRole("button", { name: "Board", exact: true }).click()
  await bob.getByRole("button", { name: "Close", exact: true }).click()
  await expect(bob.locator(".card").first()).toBeVisible()
  await shoot(bob, "tracker-dark.png")
  await bob.getByRole("button", { name: "List", exact: true }).click()
  await bob.setViewportSize({ width: 390, height: 720 })
  await shoot(bob, "tracker-phone.png")
}

/** The panel after two edits: why a query ran, what was written, and the rows. */
async function devtools(url) {
  const context = await browser.newContext({ viewport: { width: 900, height: 560 }, colorScheme: "light" })
  const page = await context.newPage()
  await page.goto(url)
  await expect(page.getByTestId("connection-status")).toHaveAttribute("data-status", "connected", { timeout: 60_000 })
  await page.getByRole("button", { name: "Open lf devtools" }).click()
  const panel = page.getByRole("region", { name: "lf devtools" })
  await expect(panel.getByRole("article", { name: "Document picnic" })).toContainText("connected")
  await add(page, "Bread", "Coffee")
  const views = {
    Queries: panel.getByText(/table todos changed/),
    Mutations: panel.getByText(/applied/).nth(1),
    Tables: panel.getByText("Coffee"),
  }
  for (const [view, shown] of Object.entries(views)) {
    await panel.getByRole("tab", { name: view }).click()
    if (view === "Tables") await panel.getByRole("button", { name: /^todos/ }).click()
    await expect(shown).toBeVisible()
    await page.screenshot({ path: join(media, `devtools-${view.toLowerCase()}.png`), animations: "disabled" })
  }
}
