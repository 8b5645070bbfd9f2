import { clientIdOf, Local, loadChecksum, MemoryDisk, Session } from "@lf/core/internal"
import { loadSqlite, nodeHost, wsNetwork } from "@lf/next/node"
import { expect } from "@playwright/test"
import { mutator } from "../app/lf/mutators.ts"
import { Server } from "./server.ts"
import { test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

const ROWS = 10_000

/** A client of the same core in this process fills a list through the real socket. */
async function fill(server: Server, docId: string, count: number): Promise<void> {
  await loadChecksum()
  const disk = new MemoryDisk()
  const local = new Local({
    opened: await disk.open(docId),
    module: await loadSqlite(),
    mutator,
    host: nodeHost,
    user: null,
  })
  expect(local.clientId).toBe(clientIdOf(local.secret))
  const network = wsNetwork(`${server.url.replace("http", "ws")}/api/lf`)
  const session = new Session({ docId, local, network, host: nodeHost, onChange: () => {} })
  let last = local.run("AddTodo", { id: "0", title: "todo 0" })
  for (let i = 1; i < count; i++) last = local.run("AddTodo", { id: String(i), title: `todo ${i}` })
  expect((await last.remote).type).toBe("applied")
  session.stop()
  await local.close()
}

test("scene 8: 10,000 todos in one list: scrolling and adding stay smooth", async ({ browser }) => {
  test.setTimeout(120_000)
  await using server = await Server.start()
  const url = newListUrl(server.url)
  await fill(server, new URL(url).pathname.split("/").pop() ?? "", ROWS)
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
