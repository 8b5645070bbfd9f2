import { expect } from "@playwright/test"
import { passOn } from "./pass-on.ts"
import { type Mode, Server } from "./server.ts"
import { soakUnless, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

for (const mode of ["start", "dev"] satisfies Mode[]) {
  test(
    `scene 9: two browsers sync under next ${mode}, without a console message`,
    soakUnless(mode === "dev"),
    async ({ browser }) => {
      test.setTimeout(150_000)
      await using server = await Server.start(mode)
      const url = newListUrl(server.url)
      const said: string[] = []
      const pages: TodoPage[] = []
      for (let i = 0; i < 2; i++) {
        const page = await (await browser.newContext()).newPage()
        page.on("console", (message) => {
          // React's invitation to its developer tools, and Next's own note of a rebuild.
          if (!/React DevTools|\[HMR\]|\[Fast Refresh\]/.test(message.text())) said.push(message.text())
        })
        page.on("pageerror", (error) => said.push(error.message))
        pages.push(await TodoPage.open(page, url))
      }
      await pages[0].add("one")
      await pages[1].shows(["one"])
      await pages[1].toggle("one")
      await expect(pages[0].row("one")).toHaveClass(/completed/)
      await pages[0].isSynced()
      expect(said).toEqual([])
    },
  )
}

test("scene 9: the custom server: no console message, no layout shift from load to first edit", async ({ browser }) => {
  await using server = await Server.start()
  const page = await (await browser.newContext()).newPage()
  const said: string[] = []
  page.on("console", (message) => said.push(message.text()))
  page.on("pageerror", (error) => said.push(error.message))
  await page.addInitScript(() => {
    Object.assign(window, { shifts: [] })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput } = entry as PerformanceEntry & { value: number; hadRecentInput: boolean }
        if (!hadRecentInput) (window as unknown as { shifts: number[] }).shifts.push(value)
      }
    }).observe({ type: "layout-shift", buffered: true })
  })
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("first")
  await todo.isSynced()
  expect(said).toEqual([])
  const shift = await page.evaluate(() =>
    (window as unknown as { shifts: number[] }).shifts.reduce((sum, one) => sum + one, 0),
  )
  expect(shift).toBeLessThan(0.001)
})

test("the page works under a strict content security policy (S13)", async ({ browser }) => {
  await using server = await Server.start()
  const context = await browser.newContext({ serviceWorkers: "block" })
  const policy = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'"
  await context.route(/\/(l\/\w+)?$/, (route) =>
    passOn(route, async (response) => ({
      headers: { ...response.headers(), "content-security-policy": policy },
    })),
  )
  await context.addInitScript(() => {
    const seen: string[] = []
    document.addEventListener("securitypolicyviolation", (event) =>
      seen.push(`${event.violatedDirective} ${event.blockedURI}`),
    )
    Object.assign(window, { violations: seen })
  })
  const page = await context.newPage()
  const said: string[] = []
  page.on("console", (message) => said.push(message.text()))
  const violations = () => page.evaluate(() => (window as unknown as { violations: string[] }).violations)
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("under a policy")
  await todo.isSynced()
  expect(await violations()).toEqual([])
  await page.goto(server.url)
  for (const pane of await page.getByRole("article").all())
    await expect(pane.getByRole("status")).toHaveText("Online", { timeout: 20_000 })
  expect(await violations()).toEqual([])
  // The test itself blocks the service worker.
  expect(said.filter((text) => /Content Security Policy|violat/i.test(text))).toEqual([])
})
