import { type Browser, expect, type Page } from "@playwright/test"
import { AccountsServer } from "./accounts.ts"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

// A client that is refused or cannot connect gets the reason in useConnectionStatus().error; writes are kept (H7).

let server: AccountsServer
test.beforeAll(async () => {
  server = await AccountsServer.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

async function open(browser: Browser, address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(address)
  return page
}

async function reports(page: Page, code: string, said: RegExp): Promise<void> {
  const status = page.getByTestId("status")
  await expect(status).toHaveAttribute("data-code", code, { timeout: 15_000 })
  await expect(status).toHaveAttribute("title", said)
}

for (const [mode, code, said] of [
  ["forbidden", "FORBIDDEN", /authorize/],
  ["unsure", "AUTH_REQUIRED", /./],
] as const) {
  test(`${mode} by the server: the browser gets ${code}, keeps writes, recovers (H7, T29)`, async ({ browser }) => {
    await server.become(mode)
    const page = await open(browser, server.url)
    await reports(page, code, said)
    await page.getByRole("textbox").fill(`while ${mode}`)
    await page.getByRole("textbox").press("Enter")
    await expect(page.getByTestId("kept")).toHaveText(`while ${mode}`)
    await expect(page.getByRole("listitem")).toContainText([`while ${mode}`])
    await server.become("up")
    await page.reload()
    await expect(page.getByTestId("status")).toHaveText("connected", { timeout: 15_000 })
    await expect(page.getByTestId("pending")).toHaveText("0")
    await expect(page.getByTestId("status")).not.toHaveAttribute("data-code", /./)
  })
}

for (const [what, url, code, said] of [
  ["a route that is not there", "/missing", "ROUTE_MISSING", /answered 404/],
  ["a route that is a page", "/somewhere", "ROUTE_MISSING", /text\/html.*basePath/],
  ["a route that throws", "/throws", "ROUTE_FAILED", /answered 500/],
  ["a proxy that passes no upgrade on", "/no-upgrade", "UPGRADE_BLOCKED", /Upgrade/],
  ["a server that is not there", "http://localhost:9/api/lf", "SERVER_UNREACHABLE", /localhost:9/],
] as const) {
  test(`${what} is reported as ${code} (H7)`, async ({ browser }) => {
    const page = await open(browser, `${server.url}/?url=${encodeURIComponent(url)}`)
    await reports(page, code, said)
    await page.getByRole("textbox").fill("kept")
    await page.getByRole("textbox").press("Enter")
    await expect(page.getByTestId("kept")).toHaveText("kept")
  })
}

test("a page of another origin gets ORIGIN_REFUSED with both addresses (H7)", async ({ browser }) => {
  const elsewhere = server.url.replace("localhost", "127.0.0.1")
  const page = await open(browser, `${elsewhere}/?url=${encodeURIComponent(`${server.url}/api/lf`)}`)
  await reports(page, "ORIGIN_REFUSED", /127\.0\.0\.1.*localhost/)
})

test("a worker that throws before startWorker ends every query with WORKER_FAILED (H3, H7)", async ({ browser }) => {
  const page = await open(browser, `${server.url}/?worker=/broken-worker.js`)
  await expect(page.getByTestId("query-error")).toHaveText("WORKER_FAILED", { timeout: 15_000 })
  await reports(page, "WORKER_FAILED", /./)
})

test(
  "a directory owned by another process is a 503 and shown by the page until it is free (H7)",
  soak,
  async ({ browser }) => {
    test.setTimeout(60_000)
    await using owner = await Server.start()
    const first = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(owner.url))
    await first.isSynced()
    await using twin = await owner.startTwin()
    const health = await fetch(`${twin.url}/api/lf`)
    expect([health.status, (await health.json()).code]).toEqual([503, "SERVER_DIRECTORY_OWNED"])
    const page = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(twin.url))
    await expect(page.page.getByTestId("error-notice")).toHaveAttribute("data-code", "SERVER_DIRECTORY_OWNED")
    await page.add("kept meanwhile")
    await owner.stop("SIGTERM")
    await page.isSynced()
    await expect(page.page.getByTestId("error-notice")).toHaveCount(0)
  },
)
