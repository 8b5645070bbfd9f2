import { expect } from "@playwright/test"
import { AccountsServer } from "./accounts.ts"
import { chromiumPath, Profile } from "./browser.ts"
import { WORKER } from "./in-worker.ts"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

// Pages that open under bad conditions: pending changes are shown and counted, failed loads are tried again.

test("after a kill, with a cold HTTP cache and no server, three unsent changes are shown (T45)", async () => {
  test.setTimeout(90_000)
  await using server = await Server.start()
  await using profile = new Profile(chromiumPath())
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await (await profile.start()).newPage(), url)
  await a.isSynced()
  await a.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await server.stop("SIGKILL")
  await a.add("one", "two", "three")
  await expect(a.pending).toHaveText("3")
  const cdp = await a.page.context().newCDPSession(a.page)
  await cdp.send("Network.clearBrowserCache")
  await profile.kill()
  const b = await TodoPage.open(await (await profile.start()).newPage(), url)
  await b.shows(["one", "two", "three"])
  await expect(b.pending).toHaveText("3")
  await server.start()
  await b.isSynced()
})

test("what waits is counted from what is stored even if the worker does not start (T45)", soak, async () => {
  test.setTimeout(60_000)
  await using server = await Server.start()
  await using profile = new Profile(chromiumPath())
  const a = await TodoPage.open(await (await profile.start()).newPage(), newListUrl(server.url))
  await a.isSynced()
  await a.page.getByTestId("offline-switch").click()
  await a.add("one", "two", "three")
  const url = a.page.url()
  await profile.kill()
  const page = await (await profile.start()).newPage()
  await page.addInitScript(() => {
    const Real = SharedWorker
    window.SharedWorker = class extends Real {
      constructor() {
        super("/missing.js")
      }
    }
  })
  await page.goto(url)
  await expect(page.getByTestId("error-notice")).toHaveAttribute("data-code", "WORKER_FAILED", { timeout: 15_000 })
  await expect(page.getByTestId("pending-count")).toHaveText("3")
})

test(
  "a first visit cut while the worker's script loads recovers and keeps typed text (H3)",
  soak,
  async ({ browser }) => {
    await using server = await Server.start()
    const context = await browser.newContext({ serviceWorkers: "block" })
    await context.route(WORKER, (route) => route.abort())
    const page = await context.newPage()
    await page.goto(newListUrl(server.url))
    await page.getByTestId("new-todo").fill("typed meanwhile")
    await expect(page.getByTestId("error-notice")).toHaveAttribute("data-code", "WORKER_FAILED", { timeout: 11_000 })
    await context.unroute(WORKER)
    const todo = new TodoPage(page)
    await todo.isSynced()
    await expect(page.getByTestId("error-notice")).toHaveCount(0)
    await expect(todo.input).toHaveValue("typed meanwhile")
    await todo.input.press("Enter")
    await todo.shows(["typed meanwhile"])
  },
)

test("an endless query is SQL_LIMIT in its tab and on the server; all others go on (H8)", soak, async ({ browser }) => {
  await using server = await AccountsServer.start()
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(server.url)
  await expect(page.getByTestId("status")).toHaveText("connected")
  const endless = await context.newPage()
  await endless.goto(`${server.url}/?endless`)
  await expect(endless.getByTestId("endless")).toHaveText("SQL_LIMIT", { timeout: 15_000 })
  await page.getByRole("textbox").fill("goes on")
  await page.getByRole("textbox").press("Enter")
  await expect(page.getByTestId("kept")).toHaveText("goes on")
  await expect(endless.getByRole("listitem")).toContainText(["goes on"])
  await endless.reload()
  await expect(endless.getByTestId("endless")).toHaveText("SQL_LIMIT", { timeout: 15_000 })
  await expect(endless.getByRole("listitem")).toContainText(["goes on"])
  const answered = fetch(`${server.url}/endless`).then((response) => response.text())
  expect(await server.rows()).toEqual(["goes on by anonymous"])
  expect(await answered).toBe("SQL_LIMIT")
})
