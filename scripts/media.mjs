// npm run media: docs/media/demo.png, two windows of the demo on one list, the right one offline with edits that wait.
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { chromium, expect } from "@playwright/test"
import { findChromium } from "./chromium.mjs"
import { root, say } from "./run.mjs"
import { buildApp, serverFile } from "./server.mjs"
import { askedFor } from "./tools.mjs"

const port = process.env.PORT ?? "3479"
const file = join(root, "docs/media/demo.png")
const view = { width: 620, height: 620 }

const dataDir = mkdtempSync(join(tmpdir(), "lf-media-"))
await buildApp()
const env = { ...process.env, NODE_ENV: "production", PORT: port, LF_DATA_DIR: dataDir }
const server = spawn(process.execPath, [serverFile], { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] })
const executablePath = askedFor("LF_CHROMIUM_PATH") ?? (await findChromium())
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
try {
  const url = `http://localhost:${port}/l/groceries`
  await expect
    .poll(
      () =>
        fetch(url).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 60_000 },
    )
    .toBe(true)
  const left = await open(url)
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
  say(`${file} is new`)
} finally {
  await browser.close()
  server.kill("SIGKILL")
  rmSync(dataDir, { recursive: true, force: true })
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
  mkdirSync(join(root, "docs/media"), { recursive: true })
  await page.locator("body").screenshot({ path: file })
}
