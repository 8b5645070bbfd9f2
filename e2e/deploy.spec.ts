import { type BrowserContext, expect } from "@playwright/test"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

/** From now on pages of this context ask for the worker of another build: another address, the same storage. */
async function deploy(context: BrowserContext, build: string): Promise<void> {
  await context.addInitScript((name) => {
    const Original = window.SharedWorker
    window.SharedWorker = class extends Original {
      constructor(url: string | URL, options?: string | WorkerOptions) {
        const [path, hash = ""] = String(url).split("#")
        super(`${path}?build=${name}#${hash}`, options)
      }
    }
  }, build)
}

test("of two builds on one origin the newer takes over; nothing is lost or sent twice (T20)", async ({ browser }) => {
  await using server = await Server.start()
  const context = await browser.newContext({ serviceWorkers: "block" })
  const url = newListUrl(server.url)
  const old = await TodoPage.open(await context.newPage(), url)
  await old.add("from the old build")
  await old.isSynced()
  await old.page.getByTestId("offline-switch").click()
  await old.add("pending in the old build")
  await old.page.evaluate(() => localStorage.removeItem("lf.offline"))
  await deploy(context, "2")
  const fresh = await TodoPage.open(await context.newPage(), url)
  await fresh.shows(["from the old build", "pending in the old build"])
  await fresh.add("from the new build")
  await fresh.isSynced()
  await expect(old.status).toHaveAttribute("data-status", "needs-update", { timeout: 20_000 })
  const other = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await other.shows(["from the old build", "pending in the old build", "from the new build"])
})

test("a killed tab's subscriptions are gone within 5 s, the worker's others go on", soak, async ({ browser }) => {
  await using server = await Server.start()
  const context = await browser.newContext()
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await context.newPage(), url)
  const b = await TodoPage.open(await context.newPage(), url)
  await a.add("one")
  await b.shows(["one"])
  const instances = () =>
    b.page.evaluate(async () => {
      const { held = [], pending = [] } = await navigator.locks.query()
      return [...held, ...pending].filter((lock) => lock.name?.startsWith("lf/1/life/")).length
    })
  const before = await instances()
  const cdp = await context.newCDPSession(a.page)
  // It never answers: the renderer that would is dead.
  void cdp.send("Page.crash").catch(() => {})
  await expect.poll(instances, { timeout: 5_000 }).toBeLessThan(before)
  await b.add("two")
  await b.isSynced()
})
