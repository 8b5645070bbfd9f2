import { expect, type Page } from "@playwright/test"
import { chromiumPath, Profile } from "./browser.ts"
import { Gateway } from "./gateway.ts"
import { inWorker } from "./in-worker.ts"
import { mainFile, sqlite } from "./main-file.ts"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

// A browser freezes an open page, deletes its data, caches it, has a wrong clock or a bad network.

const DAY_MS = 24 * 60 * 60 * 1000

async function freeze(page: Page, state: "frozen" | "active"): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send("Page.setWebLifecycleState", { state })
  await cdp.detach()
}

test("a frozen tab keeps no other tab waiting, and catches up when it is thawed (T21)", soak, async ({ browser }) => {
  await using server = await Server.start()
  const url = newListUrl(server.url)
  const context = await browser.newContext()
  const frozen = await TodoPage.open(await context.newPage(), url)
  const awake = await TodoPage.open(await context.newPage(), url)
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await frozen.add("one")
  await freeze(frozen.page, "frozen")
  await awake.add("two")
  await far.shows(["one", "two"])
  await far.add("three")
  await awake.shows(["one", "two", "three"])
  const later = await TodoPage.open(await context.newPage(), url)
  await later.shows(["one", "two", "three"])
  await awake.page.close()
  await later.add("four")
  await far.shows(["one", "two", "three", "four"])
  await freeze(frozen.page, "active")
  await frozen.shows(["one", "two", "three", "four"])
  await frozen.add("five")
  await far.shows(["one", "two", "three", "four", "five"])
})

for (const days of [1, -1]) {
  test(
    `a clock ${days} day off that jumps back: everything syncs, times are clamped (T22)`,
    soak,
    async ({ browser }) => {
      await using server = await Server.start()
      const url = newListUrl(server.url)
      const context = await browser.newContext({ serviceWorkers: "block" })
      const skew = `{
      const now = Date.now
      let offMs = ${days * DAY_MS}
      Date.now = () => now() + offMs
      new BroadcastChannel("clock").onmessage = ({ data }) => { offMs = data }
    }`
      await inWorker(context, server.url, skew)
      await context.addInitScript(skew)
      const a = await TodoPage.open(await context.newPage(), url)
      const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
      await a.add("skewed")
      await a.isSynced()
      await far.shows(["skewed"])
      await far.toggle("skewed")
      await expect(a.row("skewed")).toHaveClass(/completed/)
      for (const offMs of [-days * DAY_MS, 0]) {
        await a.page.evaluate((ms) => new BroadcastChannel("clock").postMessage(ms), offMs)
        await a.add(`off by ${offMs}`)
        await a.isSynced()
        // Two heartbeats' time would be too long for a test; a poke asks the connection whether it is alive.
        await a.page.evaluate(() => window.dispatchEvent(new Event("online")))
        await far.add(`after ${offMs}`)
        await expect(a.row(`after ${offMs}`)).toHaveCount(1)
        await a.isSynced()
      }
      await server.stop("SIGTERM")
      const rows = sqlite(mainFile(server.dataDir), "select title || '|' || created_at from todos")
      expect(rows.length).toBe(5)
      const timeOf = (title: string) => Number(rows.find((row) => row.startsWith(`${title}|`))?.split("|")[1])
      expect(Math.max(...rows.map((row) => Number(row.split("|")[1])))).toBeLessThan(Date.now() + 61_000)
      if (days < 0) expect(timeOf("skewed")).toBeLessThan(Date.now() - DAY_MS / 2)
    },
  )
}

test(
  "a network that fails thirty times during writes loses and doubles nothing (T22, I9)",
  soak,
  async ({ browser }) => {
    test.setTimeout(90_000)
    await using server = await Server.start()
    await using gateway = await Gateway.start(server.port)
    const list = new URL(newListUrl(server.url)).pathname
    const context = await browser.newContext()
    const a = await TodoPage.open(await context.newPage(), `${gateway.url}${list}`)
    const far = await TodoPage.open(await (await browser.newContext()).newPage(), `${server.url}${list}`)
    await a.isSynced()
    const titles: string[] = []
    for (let flip = 0; flip < 30; flip++) {
      const isUp = flip % 2 === 1
      gateway.become(isUp ? "up" : "down")
      // The browser says so too, as it does when a cable is pulled.
      await context.setOffline(!isUp)
      titles.push(`flip ${flip}`)
      await a.add(`flip ${flip}`)
    }
    await a.isSynced()
    await a.shows(titles)
    await far.shows(titles)
    await server.stop("SIGTERM")
    expect(sqlite(mainFile(server.dataDir), "select title from todos order by created_at, id")).toEqual(titles)
  },
)

test(
  "a page gone back to is live and doubles nothing, from the bfcache or loaded again (I9)",
  soak,
  async ({ browser }) => {
    test.setTimeout(90_000)
    await using server = await Server.start()
    // Playwright's own browser runs without that cache.
    await using profile = new Profile(chromiumPath())
    const url = newListUrl(server.url)
    const a = await TodoPage.open(await (await profile.start()).newPage(), url)
    const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
    await a.page.evaluate(() => {
      window.addEventListener("pageshow", ({ persisted }) => Object.assign(window, { persisted }))
    })
    await a.add("one")
    await a.isSynced()
    await a.page.getByTestId("offline-switch").click()
    await a.add("pending")
    await a.page.goto(`${server.url}/lists`)
    await far.add("meanwhile")
    // A page that was kept does not load again.
    await a.page.goBack({ waitUntil: "commit" })
    await expect(a.pending).toHaveText("1")
    await a.page.getByTestId("offline-switch").click()
    await a.isSynced()
    await a.add("two")
    const shown = ["meanwhile", "one", "pending", "two"]
    for (const todo of [a, far]) {
      await expect.poll(async () => (await todo.titles.allTextContents()).sort(), { timeout: 20_000 }).toEqual(shown)
    }
    const isKept = await a.page.evaluate(() => (window as unknown as { persisted?: boolean }).persisted === true)
    console.log(`the page was ${isKept ? "kept by the back/forward cache" : "loaded again"}`)
  },
)

for (const how of ["the browser clears the site's data", "another page deletes the databases"]) {
  test(
    `${how} while a list is open: what the server had comes back, and it goes on (I3)`,
    soak,
    async ({ browser }) => {
      test.setTimeout(90_000)
      await using server = await Server.start()
      const url = newListUrl(server.url)
      const context = await browser.newContext()
      const a = await TodoPage.open(await context.newPage(), url)
      const b = await TodoPage.open(await context.newPage(), url)
      await a.add("one", "two")
      await a.isSynced()
      if (how.startsWith("the browser")) {
        // The service worker goes too, and with it whatever the worker would fetch.
        const cdp = await context.newCDPSession(a.page)
        await cdp.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "all" })
      } else {
        const other = await context.newPage()
        await other.goto(`${server.url}/lists`)
        await other.evaluate(async () => {
          for (const { name = "" } of await indexedDB.databases()) {
            const deletion = indexedDB.deleteDatabase(name)
            await new Promise((resolve, reject) => {
              deletion.onsuccess = resolve
              deletion.onerror = reject
            })
          }
        })
      }
      // The list reopens by itself; a write at this very moment may be refused, so the test waits.
      await expect.poll(() => keptDocuments(a.page), { timeout: 15_000 }).toBeGreaterThan(0)
      await a.isSynced()
      await a.add("three")
      await b.add("four")
      const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
      for (const todo of [a, b, far]) {
        await expect
          .poll(async () => (await todo.titles.allTextContents()).sort())
          .toEqual(["four", "one", "three", "two"])
        await expect(todo.page.getByTestId("error-notice")).toHaveCount(0)
      }
      await a.isSynced()
      await a.page.addInitScript(countWorkers)
      await a.page.reload()
      await expect.poll(() => a.titles.allTextContents()).toEqual(await far.titles.allTextContents())
      // The page has other locks than the worker now: both work without, and do not search for each other again and again.
      await b.add("five")
      await expect(a.row("five")).toHaveCount(1)
      await a.add("six")
      await expect(far.row("six")).toHaveCount(1)
      expect(await a.page.evaluate(() => (window as unknown as { workers: number }).workers)).toBeLessThanOrEqual(3)
    },
  )
}

test("a private window keeps pending mutations until it is closed, then they are gone", soak, async ({ browser }) => {
  await using server = await Server.start()
  const url = newListUrl(server.url)
  // Playwright's contexts are Chromium's private windows: nothing of them is written to a profile.
  const incognito = await browser.newContext()
  const a = await TodoPage.open(await incognito.newPage(), url)
  await a.keepsOverReload()
  await incognito.close()
  const again = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await again.isSynced()
  await again.shows(["one"])
  await expect(again.pending).toHaveText("0")
})

/** Runs in the page before anything else: `workers` counts its SharedWorkers. */
function countWorkers(): void {
  const counted = Object.assign(window, { workers: 0 })
  counted.SharedWorker = new Proxy(SharedWorker, {
    construct(target, args: ConstructorParameters<typeof SharedWorker>) {
      counted.workers++
      return new target(...args)
    },
  })
}

/** Databases of documents that this profile has now. */
async function keptDocuments(page: Page): Promise<number> {
  return await page.evaluate(
    async () => (await indexedDB.databases()).filter(({ name }) => name !== "lf/1/places").length,
  )
}
