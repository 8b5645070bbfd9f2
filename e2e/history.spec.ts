import { expect } from "@playwright/test"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

let server: Server
test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

test("back and forward between lists: each is live again", async ({ browser }) => {
  const [one, two] = [newListUrl(server.url), newListUrl(server.url)]
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), one)
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), one)
  await a.add("before")
  await far.shows(["before"])
  await a.page.goto(two)
  await a.add("on the other list")
  await far.add("meanwhile")
  await far.isSynced()
  await a.page.goBack()
  await a.shows(["before", "meanwhile"])
  await far.add("live")
  await a.shows(["before", "meanwhile", "live"])
  await a.add("and back")
  await far.shows(["before", "meanwhile", "live", "and back"])
  await a.page.goForward()
  await a.shows(["on the other list"])
  await a.add("live as well")
  await a.isSynced()
})

test("a page thawed from the back/forward cache connects again, and nothing is doubled", soak, async ({ browser }) => {
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await a.add("one")
  await a.isSynced()
  await a.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })))
  await far.add("two")
  await a.shows(["one", "two"])
  await a.add("three")
  await far.shows(["one", "two", "three"])
})

test("two windows with different filters show the same list, each its own way", soak, async ({ browser }) => {
  const context = await browser.newContext()
  const url = newListUrl(server.url)
  const all = await TodoPage.open(await context.newPage(), url)
  const done = await TodoPage.open(await context.newPage(), `${url}#/completed`)
  await all.add("one", "two")
  await done.shows([])
  await all.toggle("one")
  await done.shows(["one"])
  await all.shows(["one", "two"])
  await done.toggle("one")
  await done.shows([])
  await expect(all.row("one")).not.toHaveClass(/completed/)
})

test("router.refresh() with three pending edits: none flickers", async ({ browser }) => {
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(server.url))
  await a.add("kept")
  await a.isSynced()
  await a.page.getByTestId("offline-switch").click()
  await a.add("p1", "p2", "p3")
  const seen = await a.page.evaluate(async () => {
    const { next } = window as unknown as { next?: { router?: { refresh?: () => void } } }
    if (typeof next?.router?.refresh !== "function") return null
    const counts = new Set<number>()
    const observer = new MutationObserver(() => counts.add(document.querySelectorAll("[data-testid=todo-item]").length))
    observer.observe(document.body, { childList: true, subtree: true, characterData: true })
    const fetched = new Promise<void>((resolve) => {
      new PerformanceObserver((list) => {
        if (list.getEntries().some(({ name }) => name.includes("_rsc"))) resolve()
      }).observe({ type: "resource" })
    })
    next.router.refresh()
    await fetched
    // Two frames: what the answer renders is on the page.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve))
    observer.disconnect()
    return [...counts]
  })
  test.skip(seen === null, "this Next does not show its router")
  expect(seen?.filter((count) => count !== 4)).toEqual([])
  await a.shows(["kept", "p1", "p2", "p3"])
  await expect(a.pending).toHaveText("3")
})
