import { type Browser, expect, type Page } from "@playwright/test"
import { isAxeClean } from "./axe.ts"
import { Server } from "./server.ts"
import { test } from "./test.ts"

const wait = { timeout: 60_000 }
let server: Server

test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

// Colours are what they become as soon as a state changes.
test.use({ contextOptions: { reducedMotion: "reduce" } })

test("100,000 rows: what a query read and why it ran, in two browsers; errors keep the rows; axe", async ({
  browser,
}) => {
  test.setTimeout(180_000)
  const here = await opened(browser)
  await expect(fact(here, "rows")).toHaveText("5", wait)
  const there = await opened(browser)

  // What an index is worth.
  await example(here, "Top 20 without one")
  await expect(fact(here, "rows")).toHaveText("20", wait)
  await expect.poll(() => pagesRead(here), wait).toBeGreaterThan(1_000)
  await example(here, "Top 20 by an index")
  await expect.poll(() => pagesRead(here), wait).toBeLessThan(100)

  // Typed, with the keyboard alone; an edit elsewhere of its row makes it run again, one of others does not.
  await example(there, "One row")
  await expect(row(there, 1)).toContainText("4711", wait)
  const box = here.getByRole("textbox", { name: "SQL query" })
  await box.fill("select id, title from tasks where id = 4711;")
  await box.press("Control+Enter")
  await expect(fact(here, "pages read")).toHaveText(/^[2-6]$/, wait)
  await expect(fact(here, "ms")).toHaveText(/^\d+(\.\d)?$/, wait)
  await expect(fact(here, "runs")).toHaveText("1", wait)
  await there.getByRole("button", { name: "Rename a shown one" }).click()
  await expect(runs(there).filter({ hasText: /^RenameOne here changed 1 page of tasks, ran again: / })).toHaveCount(
    1,
    wait,
  )
  await expect(runs(here).first()).toHaveText(/^The server sent 1 page of tasks, ran again: .* pages read$/, wait)
  await expect(fact(here, "runs")).toHaveText("2", wait)
  await expect.poll(() => row(here, 1).textContent(), wait).toBe(await titleOf4711(there))

  await example(here, "Count by status")
  await expect(fact(here, "rows")).toHaveText("5", wait)
  await expect(fact(here, "runs")).toHaveText(/^\d+$/, wait)
  const before = await fact(here, "runs").textContent()
  await there.getByRole("button", { name: "Reprioritize one" }).click()
  await expect(runs(here).first()).toHaveText(/^The server sent \d+ pages?, none that it read: not run$/, wait)
  await expect(fact(here, "runs")).toHaveText(before ?? "", wait)

  // Each error has its code, right below the box, and the former rows stay.
  for (const [sql, code] of [
    ["select nothing from tasks", "SQL_ERROR"],
    ["delete from tasks", "SQL_DENIED"],
    ["select count(*) from tasks a join tasks b on a.title < b.title", "SQL_LIMIT"],
  ] as const) {
    await box.fill(sql)
    await here.getByRole("button", { name: "Run", exact: true }).click()
    await expect(here.locator("#sql-problem")).toHaveAttribute("data-code", code, wait)
    await expect(here.locator("#sql-problem")).toContainText(`${code} `)
    await expect(row(here, 1)).toContainText("doing", wait)
  }
  // Run again, it fails again, and the log says so.
  await here.getByRole("button", { name: "Run", exact: true }).click()
  await expect(runs(here).filter({ hasText: /: it failed after .* \(SQL_LIMIT\)$/ })).toHaveCount(2, wait)
  await isAxeClean(here, "the rows of a query, and an error")

  // One that has not changed runs again too. A row that may be no task's is not offered for an edit.
  const renameShown = here.getByRole("button", { name: "Rename a shown one" })
  await example(here, "One row")
  await expect(renameShown).toBeVisible(wait)
  await here.getByRole("button", { name: "Run", exact: true }).click()
  await expect(fact(here, "runs")).toHaveText("2", wait)
  await box.fill("select people.id, tasks.id, title from people join tasks on person = people.id limit 3")
  await box.press("Control+Enter")
  await expect(here.getByText("Several columns are called “id”, and only the last is shown.")).toBeVisible(wait)
  await expect(renameShown).toHaveCount(0)

  await example(here, "All rows")
  await expect(fact(here, "rows")).toHaveText("100,000", wait)
  await here.getByRole("region", { name: "Rows" }).focus()
  await here.keyboard.press("End")
  await expect(here.getByRole("cell", { name: "100000", exact: true })).toBeVisible()
  await here.setViewportSize({ width: 360, height: 740 })
  expect(await here.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)

  // The next visit has the rows already, without a server too.
  await there.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await server.stop("SIGKILL")
  await there.reload()
  await expect(there.getByText("100,000 tasks")).toBeVisible(wait)
  await expect(fact(there, "rows")).toHaveText("5", wait)
})

async function opened(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1_280, height: 900 } })).newPage()
  await page.goto(`${server.url}/sql`)
  await expect(page.getByText("100,000 tasks")).toBeVisible(wait)
  return page
}

async function example(page: Page, name: string): Promise<void> {
  await page.getByRole("list", { name: "Examples" }).getByRole("button", { name, exact: true }).click()
}

function fact(page: Page, name: string) {
  return page
    .locator(".sql-facts div")
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator("dd")
}

async function pagesRead(page: Page): Promise<number> {
  return Number((await fact(page, "pages read").textContent())?.replaceAll(",", ""))
}

function runs(page: Page) {
  return page.getByRole("list", { name: "Runs" }).getByRole("listitem")
}

/** Of the result, from 1. */
function row(page: Page, index: number) {
  return page.locator(`.sql-rows tr[aria-rowindex="${index + 1}"]`)
}

/** As `select id, title` shows it. */
async function titleOf4711(page: Page): Promise<string> {
  const [id, title] = await row(page, 1).getByRole("cell").allTextContents()
  return `${id}${title}`
}
