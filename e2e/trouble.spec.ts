import { expect, type Page } from "@playwright/test"
import { inWorker, WORKER } from "./in-worker.ts"
import { Server } from "./server.ts"
import { soakUnless, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

// What a browser may lack or lose. Service workers are blocked, so that the routes of these tests are asked.

let server: Server
test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

/**
 * Acts as Chromium on a full device: writing transactions end with a QuotaExceededError without a message.
 * (DevTools' override of the quota does not reach IndexedDB, and filling it for real takes more than a gigabyte.)
 */
const FILLABLE = `{
  const channel = new BroadcastChannel("disk")
  let isFull = false
  channel.onmessage = ({ data }) => {
    isFull = data === "full"
    channel.postMessage("done")
  }
  const begin = IDBDatabase.prototype.transaction
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    const transaction = begin.call(this, stores, mode, options)
    if (isFull && mode === "readwrite") {
      Object.defineProperty(transaction, "error", { value: new DOMException("", "QuotaExceededError") })
      queueMicrotask(() => transaction.abort())
    }
    return transaction
  }
}`

function makeDisk(page: Page, state: "full" | "free"): Promise<void> {
  return page.evaluate(
    (wanted) =>
      new Promise<void>((resolve) => {
        const channel = new BroadcastChannel("disk")
        channel.onmessage = () => resolve()
        channel.postMessage(wanted)
      }),
    state,
  )
}

test("on a full device the next add is refused, kept rows stay, other tabs go on (T19)", async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: "block" })
  await inWorker(context, server.url, FILLABLE)
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await context.newPage(), url)
  await a.add("one", "two")
  await a.isSynced()
  const b = await TodoPage.open(await context.newPage(), url)
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await makeDisk(a.page, "full")

  await a.input.fill("three")
  await a.input.press("Enter")
  const notice = a.page.getByTestId("error-notice")
  await expect(notice).toHaveAttribute("data-code", "LOG_FULL")
  await expect(notice).toContainText("This device is full")
  await a.shows(["one", "two"])
  await expect(a.input).toHaveValue("three")
  await b.shows(["one", "two"])
  await expect(b.page.getByTestId("error-notice")).toHaveCount(0)

  // Of a row it is said at that row.
  await a.row("two").getByRole("checkbox").click()
  await expect(a.row("two").getByTestId("error-notice")).toHaveAttribute("data-code", "LOG_FULL")
  await expect(notice).toHaveCount(1)

  await a.page.reload()
  await a.shows(["one", "two"])
  await far.isSynced()
  await far.shows(["one", "two"])

  await makeDisk(a.page, "free")
  await a.page.reload()
  await a.shows(["one", "two"])
  await a.add("three")
  await b.shows(["one", "two", "three"])
  await far.shows(["one", "two", "three"])
  await a.isSynced()
})

test("without OPFS the app works and keeps everything over a reload", async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: "block" })
  await inWorker(
    context,
    server.url,
    'navigator.storage.getDirectory = () => Promise.reject(new DOMException("", "NotSupportedError"))',
  )
  const a = await TodoPage.open(await context.newPage(), newListUrl(server.url))
  await a.keepsOverReload()
})

// Private windows of other browsers have IndexedDB, and it refuses everything.
const NO_DATABASE = {
  "without IndexedDB in the worker": 'Object.defineProperty(globalThis, "indexedDB", { value: undefined })',
  "in a private window that throws at IndexedDB":
    'IDBFactory.prototype.open = () => { throw new DOMException("", "SecurityError") }',
  "in a private window that opens no database": `IDBFactory.prototype.open = () => {
    const request = new EventTarget()
    request.error = new DOMException("", "InvalidStateError")
    setTimeout(() => request.onerror())
    return request
  }`,
}

for (const [where, code] of Object.entries(NO_DATABASE)) {
  test(
    `${where} the app works in memory, and says so quietly`,
    soakUnless(where.startsWith("without")),
    async ({ browser }) => {
      const context = await browser.newContext({ serviceWorkers: "block" })
      await inWorker(context, server.url, code)
      const url = newListUrl(server.url)
      const a = await TodoPage.open(await context.newPage(), url)
      await expect(a.page.getByTestId("not-durable")).toBeVisible()
      await a.add("one")
      await a.isSynced()
      await expect(a.page.getByTestId("error-notice")).toHaveCount(0)
      const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
      await far.shows(["one"])
      await expect(far.page.getByTestId("not-durable")).toHaveCount(0)
    },
  )
}

test("without workers each page says that this browser cannot run it, and has no field that looks alive", async ({
  browser,
}) => {
  const page = await (await browser.newContext({ serviceWorkers: "block" })).newPage()
  await page.addInitScript(() => {
    for (const name of ["SharedWorker", "Worker"]) Reflect.deleteProperty(window, name)
  })
  for (const url of [newListUrl(server.url), server.url, `${server.url}/sql`]) {
    await page.goto(url)
    const notice = page.getByTestId("error-notice")
    await expect(notice).toHaveCount(1)
    await expect(notice).toHaveAttribute("data-code", "UNSUPPORTED")
    await expect(notice).toContainText("This browser cannot run the database")
    // SharedWorker alone is not needed: where there is none a Worker does.
    await expect(page.locator("body")).not.toContainText(/SharedWorker|UNSUPPORTED/)
    await expect(page.getByRole("textbox")).toHaveCount(0)
    await expect(page.getByRole("button")).toHaveCount(0)
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
  }
})

// The worker's own requests pass by Playwright's routes: it asks for another file. Emscripten asks in two ways.
const NO_WASM = `{
  const elsewhere = (url) => String(url).replace(".wasm", ".missing")
  const real = fetch
  globalThis.fetch = (input, init) => real(elsewhere(input), init)
  const open = XMLHttpRequest.prototype.open
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    return open.call(this, method, elsewhere(url), ...rest)
  }
}`

for (const what of ["the worker's script", "the wasm"]) {
  test(`without ${what} there is an error within ten seconds, never an endless wait`, async ({ browser }) => {
    const context = await browser.newContext({ serviceWorkers: "block" })
    if (what === "the wasm") await inWorker(context, server.url, NO_WASM)
    else await context.route(WORKER, (route) => route.fulfill({ status: 404, body: "" }))
    const page = await context.newPage()
    await page.goto(newListUrl(server.url))
    await expect(page.getByTestId("error-notice")).toHaveAttribute("data-code", "WORKER_FAILED", { timeout: 11_000 })
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
    // What is typed although it failed is not lost.
    await page.getByTestId("new-todo").fill("kept")
    await page.getByTestId("new-todo").press("Enter")
    await expect(page.getByTestId("new-todo")).toHaveValue("kept")
    await expect(page.getByTestId("error-notice").getByRole("button")).toHaveText("Reload")
  })
}
