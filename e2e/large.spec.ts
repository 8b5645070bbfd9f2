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

test("a list that becomes long, or short again, keeps what is being typed into a row", async ({ browser }) => {
  await using server = await Server.start()
  const url = newListUrl(server.url)
  await using peer = await Peer.open(server, url)
  await peer.add(
    "",
    Array.from({ length: 100 }, (_, i) => `todo ${i}`),
  )
  const page = await (await browser.newContext()).newPage()
  const todo = await TodoPage.open(page, url)
  await expect(page.getByTestId("todo-count")).toContainText("100 items", { timeout: 20_000 })
  await todo.titles.filter({ hasText: /^todo 5$/ }).dblclick()
  const edit = page.getByTestId("todo-edit")
  await edit.press("End")
  const first = await edit.elementHandle()
  for (const [change, count] of [
    [() => peer.add("another", ["another"]), 101],
    [() => peer.remove("0"), 100],
  ] as const) {
    await Promise.all([page.keyboard.type(" typed on and on", { delay: 40 }), change()])
    await expect(page.getByTestId("todo-count")).toContainText(`${count} items`)
    expect(await first?.evaluate((element) => element.isConnected && element === document.activeElement)).toBe(true)
  }
  await expect(edit).toHaveValue("todo 5 typed on and on typed on and on")
  await page.keyboard.press("Escape")
  await peer.add("more", ["more", "and more"])
  await expect(page.getByTestId("todo-count")).toContainText("102 items")
  // On paper are all of them.
  const rows = page.getByTestId("todo-item")
  expect(await rows.count()).toBeLessThan(100)
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")))
  expect(await rows.count()).toBe(102)
  await page.evaluate(() => dispatchEvent(new Event("afterprint")))
  expect(await rows.count()).toBeLessThan(100)
})
