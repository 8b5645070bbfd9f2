// Browsers without SharedWorker: each tab brings a dedicated worker, and one of them serves all tabs.
import { type Browser, expect, type Page } from "@playwright/test"
import { AccountsServer, shows, write } from "./accounts.ts"
import { test } from "./test.ts"

let server: AccountsServer
test.beforeEach(async () => {
  server = await AccountsServer.start()
})
// Not `await using`: this runs after a timeout too.
test.afterEach(() => server[Symbol.asyncDispose]())

interface Tab {
  readonly page: Page
  /** The process that runs the page and its worker. */
  readonly pid: number
}

/** Tabs of one profile, the first of which serves the others. */
async function openTabs(browser: Browser, count: number): Promise<Tab[]> {
  const context = await browser.newContext()
  const tabs: Tab[] = []
  for (let i = 0; i < count; i++) {
    const before = await renderers(browser)
    const page = await context.newPage()
    await page.goto(`${server.url}/#ann`)
    await expect(page.getByTestId("status")).toHaveText("connected", { timeout: 20_000 })
    const [pid] = (await renderers(browser)).filter((one) => !before.includes(one))
    tabs.push({ page, pid })
  }
  expect(await tabs[0].page.evaluate(() => typeof SharedWorker)).toBe("undefined")
  expect(new Set(tabs.map(({ pid }) => pid)).size, "each tab has a process of its own").toBe(count)
  return tabs
}

async function renderers(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send("SystemInfo.getProcessInfo")
  await session.detach()
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id)
}

test("two tabs show one document; a closed one that served is replaced, and nothing is lost (T21, T28)", async ({
  browser,
}) => {
  const [one, two, three] = await openTabs(browser, 3)
  await write(two.page, "of two")
  for (const tab of [one, two, three]) await shows(tab.page, ["of two by ann"])
  await server.become("down")
  await write(one.page, "of one")
  await one.page.close()
  await shows(two.page, ["of two by ann", "of one by ann"])
  await write(three.page, "of three")
  await server.become("up")
  await two.page.evaluate(() => window.dispatchEvent(new Event("online")))
  await expect
    .poll(() => server.rows(), { timeout: 30_000 })
    .toEqual(["of two by ann", "of one by ann", "of three by ann"])
})

test("after the kill of the tab that serves, another one does within seconds (T21, T28)", async ({ browser }) => {
  const [one, two] = await openTabs(browser, 2)
  await write(one.page, "kept")
  process.kill(one.pid, "SIGKILL")
  await write(two.page, "after the kill")
  await shows(two.page, ["kept by ann", "after the kill by ann"])
  await expect.poll(() => server.rows()).toEqual(["kept by ann", "after the kill by ann"])
})

test("a frozen tab that serves loses its place; awake again it writes nothing into another's log (T21)", async ({
  browser,
}) => {
  test.setTimeout(120_000)
  const [one, two] = await openTabs(browser, 2)
  await write(one.page, "before")
  await shows(two.page, ["before by ann"])
  process.kill(one.pid, "SIGSTOP")
  try {
    await write(two.page, "meanwhile")
  } finally {
    process.kill(one.pid, "SIGCONT")
  }
  for (const tab of [one, two]) await shows(tab.page, ["before by ann", "meanwhile by ann"])
  await write(one.page, "awake")
  for (const tab of [one, two]) await shows(tab.page, ["before by ann", "meanwhile by ann", "awake by ann"])
  await expect.poll(() => server.rows()).toEqual(["before by ann", "meanwhile by ann", "awake by ann"])
})
