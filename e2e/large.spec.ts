import { expect } from "@playwright/test"
import { Peer } from "./peer.ts"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

const ROWS = 10_000

test("scene 8: 10,000 todos in one list: scrolling and adding stay smooth", soak, async ({ browser }) => {
  test.setTimeout(120_000)
  await using server = await Server.start()
  const url = newListUrl(server.url)
  await using peer = await Peer.open(server, url)
  await peer.add(
    "",
    Array.from({ length: ROWS }, (_, i) => `todo ${i}`),
  )
  const page = await (await browser.newContext()).newPage()
  const todo = await TodoPage.open(page, url)
  await expect(page.getByTestId("todo-count")).toContainText(String(ROWS), { timeout: 30_000 })
  // Virtual: a window of rows, not ten thousand elements.
  expect(await todo.titles.count()).toBeLessThan(100)
  await page.mouse.wheel(0, 200_000)
  await expect(todo.titles.first()).not.toHaveText("todo 0")
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
  await expect(todo.row("todo 9999")).toBeVisible()
  await page.evaluate(() => window.scrollTo(0, 0))
  const postedRows = await page.evaluate(() => performance.now())
  await todo.toggle("todo 3")
  await expect(todo.titles.nth(3)).toBeVisible()
  await expect(page.getByTestId("todo-count")).toContainText(String(ROWS - 1))
  const toggledMs = (await page.evaluate(() => performance.now())) - postedRows
  console.log(`10,000 rows: a toggle was seen after ${Math.round(toggledMs)} ms, Playwright's own way included`)
  await todo.isSynced()
})
