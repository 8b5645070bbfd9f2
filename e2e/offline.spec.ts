import { expect } from "@playwright/test"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

/** The service worker serves the page when the server does not. */
async function isInstalled(page: TodoPage): Promise<void> {
  await page.page.evaluate(async () => {
    await navigator.serviceWorker.ready
  })
  await expect.poll(() => page.page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
}

test("scene 3: without a server the page works and reloads; each pending edit arrives once", async ({ browser }) => {
  await using server = await Server.start()
  const url = newListUrl(server.url)
  const context = await browser.newContext()
  const a = await TodoPage.open(await context.newPage(), url)
  const b = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await a.add("online")
  await isInstalled(a)
  await a.isSynced()
  await b.shows(["online"])
  await server.stop("SIGKILL")
  await a.add("offline 1")
  await expect(a.status).toHaveAttribute("data-status", "offline", { timeout: 20_000 })
  await a.page.reload()
  await a.shows(["online", "offline 1"])
  await a.add("offline 2")
  await expect(a.pending).toHaveText("2")
  await a.page.close()
  const again = await TodoPage.open(await context.newPage(), url)
  await again.shows(["online", "offline 1", "offline 2"])
  await expect(again.pending).toHaveText("2")
  await server.start()
  await again.isSynced()
  await b.shows(["online", "offline 1", "offline 2"])
})

test("scene 3: setOffline in mid-session: edits go on, come back by themselves", soak, async ({ browser }) => {
  await using server = await Server.start()
  const url = newListUrl(server.url)
  const context = await browser.newContext()
  const a = await TodoPage.open(await context.newPage(), url)
  const b = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await a.add("one")
  await a.isSynced()
  await a.page.getByTestId("offline-switch").click()
  await expect(a.status).toHaveAttribute("data-status", "offline", { timeout: 20_000 })
  await context.setOffline(true)
  await a.add("two")
  await a.toggle("one")
  await b.add("three")
  await expect(a.pending).toHaveText("2")
  await expect(a.row("one")).toHaveClass(/completed/)
  await context.setOffline(false)
  await a.page.getByTestId("offline-switch").click()
  await a.isSynced()
  await b.isSynced()
  await expect(b.row("one")).toHaveClass(/completed/)
  await expect.poll(async () => (await a.titles.allTextContents()).sort()).toEqual(["one", "three", "two"])
})

test("scene 3: a new list opens without HTTP cache or server, and syncs its edit later", soak, async ({ browser }) => {
  await using server = await Server.start()
  const context = await browser.newContext()
  const a = await TodoPage.open(await context.newPage(), newListUrl(server.url))
  await a.add("somewhere else")
  await isInstalled(a)
  await a.isSynced()
  await server.stop("SIGKILL")
  const cdp = await context.newCDPSession(a.page)
  await cdp.send("Network.clearBrowserCache")
  const url = newListUrl(server.url)
  const fresh = await TodoPage.open(await context.newPage(), url)
  await fresh.add("made offline")
  await expect(fresh.pending).toHaveText("1")
  await server.start()
  await fresh.isSynced()
  const other = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await other.shows(["made offline"])
  await a.shows(["somewhere else"])
})

test(
  "scene 7: the first visit while the data is not to be had: created, edited, then synced",
  soak,
  async ({ browser }) => {
    test.setTimeout(90_000)
    // The pages come from a server whose data directory belongs to another one.
    await using owner = await Server.start()
    const first = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(owner.url))
    await first.isSynced()
    await using server = await owner.startTwin()
    const url = newListUrl(server.url)
    const a = await TodoPage.open(await (await browser.newContext()).newPage(), url)
    await a.add("first ever", "second")
    await expect(a.pending).toHaveText("2")
    await a.page.reload()
    await a.shows(["first ever", "second"])
    await expect(a.pending).toHaveText("2")
    await owner.stop("SIGTERM")
    // A refusal is tried again after half a minute; the browser's network events make it sooner.
    await expect
      .poll(
        async () => {
          await a.page.evaluate(() => window.dispatchEvent(new Event("online")))
          return a.pending.textContent()
        },
        { timeout: 45_000 },
      )
      .toBe("0")
    const b = await TodoPage.open(await (await browser.newContext()).newPage(), url)
    await b.shows(["first ever", "second"])
  },
)

test("a rejection that came while all tabs were closed is shown once at the next start", soak, async ({ browser }) => {
  await using server = await Server.start()
  const context = await browser.newContext()
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await context.newPage(), url)
  await a.add("kept")
  await isInstalled(a)
  await a.isSynced()
  await server.stop("SIGKILL")
  await a.add("reject me")
  await expect(a.pending).toHaveText("1")
  await a.page.close()
  await server.start()
  const again = await TodoPage.open(await context.newPage(), url)
  const notice = again.page.getByTestId("rejected-notice")
  await expect(notice).toContainText("reject me", { timeout: 30_000 })
  await again.shows(["kept"])
  await notice.getByRole("button").click()
  await expect(notice).toHaveCount(0)
  await again.page.close()
  const later = await TodoPage.open(await context.newPage(), url)
  await later.isSynced()
  await expect(later.page.getByTestId("rejected-notice")).toHaveCount(0)
})
