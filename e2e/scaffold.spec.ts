import { cpSync, existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type Browser, expect } from "@playwright/test"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { startPostgres } from "../scripts/postgres.mjs"
import { beforeHydration } from "./before-hydration.ts"
import { Gateway } from "./gateway.ts"
import { NetworkPage } from "./network-scene.ts"
import { Workshop } from "./scaffold.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"
import { TransitionsPage } from "./transitions-scene.ts"

const packages = ["core", "react", "next", "postgres", "create-lf-app"]

// As in the template, and with the experiment of docs/offline.md.
const config = "poweredByHeader: false, experimental: { useOffline: true },"

// Installed and built once: each test goes on with the app, and the data, that the one before it has left.
test.describe.configure({ mode: "serial", timeout: 120_000 })

let workshop: Workshop
let app: string
let server: Awaited<ReturnType<Workshop["serve"]>>

test.beforeAll(() => {
  workshop = new Workshop()
})
// Not `await using`: this runs after a timeout too.
test.afterAll(() => timed("clean up", () => workshop[Symbol.asyncDispose]()))

test("scene 9: an app scaffolded from packed tarballs installs, builds, and two browsers sync", async ({ browser }) => {
  test.setTimeout(300_000)
  const packs = await timed("pack", pack)
  await timed("publint", () => Promise.all(readdirSync(packs).map((file) => checkPack(join(packs, file)))))
  app = await timed("scaffold", () => scaffold(packs))
  await timed("install", () => workshop.npm(["install", "--include=dev"], { cwd: app }))
  for (const name of ["core", "react", "next", "postgres"]) {
    // The packed one, not a link into the repository.
    expect(realpathSync(join(app, "node_modules/@lf", name))).toBe(join(realpathSync(app), "node_modules/@lf", name))
  }
  await timed("lint", () => workshop.npm(["run", "lint"], { cwd: app }))
  await timed("unit", () => workshop.npm(["test"], { cwd: app }))
  await timed("a wrong column", wrongColumnFailsTheBuild)
  cpSync(resolve("e2e/scenes/app"), join(app, "app"), { recursive: true })
  editConfig(/poweredByHeader: false,/, config)
  const kept = ["tsconfig.json", "lf-types.d.ts"].map((file) => join(app, file))
  const before = kept.map((file) => readFileSync(file, "utf8"))
  const built = await timed("build", () => workshop.npm(["run", "build"], { cwd: app }))
  expect(built, "the app's types are checked").toContain("Finished TypeScript")
  expect(built).not.toContain("⚠")
  expect(
    kept.map((file) => readFileSync(file, "utf8")),
    "Next and lf types have nothing to add",
  ).toEqual(before)
  server = await timed("start", () => workshop.serve(app, { LF_DATA_DIR: workshop.path("data") }))
  await timed("sync", () => twoBrowsersSync(browser, server.url))
})

test("a document changed in a transition shows its rows; a save outlasts its page (H2, H3)", ({ browser }) =>
  timed("links", () => linksUnderSuspense(browser, server.url)))

test("a Server Action's change is in live rows, server components and what its lsn caches", ({ browser }) =>
  timed("reads", () => readsOnTheServer(browser, server.url)))

test("rows that another browser moves animate if and only if they are deferred", soak, ({ browser }) =>
  timed("animations", () => movesAnimate(browser, server.url)),
)

test("a key is shown while rows animate, and before a long list that is being rendered", soak, ({ browser }) =>
  timed("typing", () => keysAreShown(browser, server.url)),
)

test("Next and lf turn offline and back, each in its own way, and what waited arrives", ({ browser }) =>
  timed("network", () => networkGoesAndComes(browser, server.url)))

test("an action whose answer was lost runs again; an id from the browser keeps one row", ({ browser }) =>
  timed("lost answer", () => answerIsLost(browser, server.url)))

test("a hard reload without server or HTTP cache shows the rows and takes edits", ({ browser }) =>
  timed("offline", () => hardReloadOffline(browser, server)))

test("lf reset deletes all documents of an app that has stopped", async () => {
  const docs = join(workshop.path("data"), "docs")
  const count = readdirSync(docs).length
  expect(count).toBeGreaterThan(3)
  const said = await workshop.run(join(app, "node_modules/.bin/lf"), ["reset", workshop.path("data")])
  expect(said).toContain(`deleted ${count} documents`)
  expect(existsSync(docs)).toBe(false)
})

test("with LF_DATABASE_URL the same build keeps its documents in PostgreSQL, on two servers, and goes on after a kill (I3, I9)", ({
  browser,
}) => timed("PostgreSQL", () => documentsInPostgres(browser)))

test("without Cache Components what reads a document is rendered for each request", soak, () => {
  test.setTimeout(180_000)
  return timed("without Cache Components", withoutCacheComponents)
})

/** With its place, before anything is compiled. */
async function wrongColumnFailsTheBuild(): Promise<void> {
  const file = join(app, "app/todos.tsx")
  const text = readFileSync(file, "utf8")
  writeFileSync(file, text.replace("select id, title", "select id, titel"))
  const build = workshop.npm(["run", "build"], { cwd: app })
  await expect(build).rejects.toThrow(/^app\/todos\.tsx:\d+:\d+ no such column: titel$/m)
  writeFileSync(file, text)
}

/** The same app with Next's older way to render. */
async function withoutCacheComponents(): Promise<void> {
  for (const scene of ["reads", "shell"]) rmSync(join(app, "app", scene), { recursive: true })
  cpSync(resolve("e2e/scenes/app-without-cache-components"), join(app, "app"), { recursive: true })
  editConfig(/(cacheComponents|partialPrefetching): true,/g, "")
  const built = await workshop.npm(["run", "build"], { cwd: app })
  expect(built).toMatch(/ƒ \/plain/)
  expect(built).toMatch(/ƒ \/l\/\[id\]/)
}

async function documentsInPostgres(browser: Browser): Promise<void> {
  const postgres = await startPostgres()
  try {
    const place = { LF_DATABASE_URL: postgres.connectionString }
    const first = await workshop.serve(app, place)
    const [near, far] = [await browser.newContext(), await browser.newContext()]
    const url = newListUrl(first.url)
    const a = await TodoPage.open(await near.newPage(), url)
    await a.add("before")
    await a.isSynced()
    const b = await TodoPage.open(await far.newPage(), url)
    await b.shows(["before"])
    await first.stop("SIGKILL")
    await a.add("without a server")
    const second = await workshop.serve(app, place, first.port)
    await b.shows(["before", "without a server"])
    const other = await workshop.serve(app, place)
    const c = await TodoPage.open(await far.newPage(), url.replace(second.url, other.url))
    await c.shows(["before", "without a server"])
    await c.add("at another server")
    await a.shows(["before", "without a server", "at another server"])
    await readsOnTheServer(browser, other.url)
    await postgres.cut()
    await a.add("without a database")
    await expect(a.page.getByText("The server cannot use its data directory or database now")).toBeVisible({
      timeout: 15_000,
    })
    await postgres.start()
    // Both ends try again by then: a wait of 15 s at the most, twice on a busy machine.
    for (const page of [b, c])
      await page.shows(["before", "without a server", "at another server", "without a database"], 60_000)
    // The owner ends: the other one takes the document, and the browsers of both go on.
    await second.stop()
    await c.add("after the owner")
    await c.isSynced()
    await other.stop()
    const said = await workshop.run(join(app, "node_modules/.bin/lf"), ["list"], { cwd: app, env: place })
    expect(said).toMatch(/\/main: 2 documents$/m)
  } finally {
    await postgres.stop()
  }
}

function editConfig(from: RegExp, to: string): void {
  const file = join(app, "next.config.mjs")
  const text = readFileSync(file, "utf8")
  expect(text).toMatch(from)
  writeFileSync(file, text.replace(from, to))
}

/** A Server Action's own change is in the live rows, in a server component and in what `"use cache"` keeps for an lsn. */
async function readsOnTheServer(browser: Browser, url: string): Promise<void> {
  const page = await (await browser.newContext()).newPage()
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(error.message))
  await page.goto(`${url}/reads`)
  const [live, seen, cached, filled] = ["live", "seen", "cached", "filled"].map((id) => page.getByTestId(id))
  await expect(live).toHaveText("", { timeout: 15_000 })
  for (const rows of ["from an action", "from an action,from an action"]) {
    await page.getByRole("button", { name: "add" }).click()
    for (const output of [seen, live, cached]) await expect(output).toHaveText(rows)
  }
  const filledAt = await filled.textContent()
  // The rows are in the first HTML, and what was cached for this lsn is not made again.
  const html = await (await fetch(`${url}/reads`)).text()
  expect(html).toContain("from an action,from an action")
  expect(html).toContain(filledAt)
  await page.goto(`${url}/shell`)
  await expect(live).toHaveText("from an action,from an action")
  // The inputs of the first HTML are bound before React has them (H9).
  const arrive = await beforeHydration(page, `${url}/reads`)
  const [title, box] = [page.getByLabel("title 0"), page.getByLabel("done 1")]
  await box.check()
  await title.press("End")
  await title.pressSequentially(", typed early")
  await arrive()
  await expect(live).toHaveText("from an action, typed early,from an action", { timeout: 15_000 })
  await title.pressSequentially(" and late")
  const titles = "from an action, typed early and late,from an action"
  await expect(live).toHaveText(titles)
  const check = await (await browser.newContext()).newPage()
  await check.goto(`${url}/reads`)
  await expect(check.getByTestId("live")).toHaveText(titles)
  await expect(check.getByLabel("done 1")).toBeChecked()
  expect(errors).toEqual([])
}

/** The four tarballs, as they would be published. */
async function pack(): Promise<string> {
  const packs = workshop.path("packs")
  await workshop.run(process.execPath, [resolve("scripts/packages.mjs"), packs], { cwd: resolve(".") })
  expect(readdirSync(packs)).toHaveLength(packages.length)
  return packs
}

/** Checks that the tarball has all of `exports`, `bin` and types, and nothing that only the repository needs. */
async function checkPack(file: string): Promise<void> {
  const tarball = new Uint8Array(readFileSync(file)).buffer
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  const files = (await workshop.run("tar", ["-tzf", file])).trim().split("\n")
  expect(files).toContain("package/dist/index.js")
  expect(files).toContain("package/docs/getting-started.md")
  // The templates have tests of their own.
  const foreign = /tsbuildinfo|\/(src|dist)\/.*\.test\.|\/node_modules\/|\/\.(next|lf)\//
  expect(files.filter((name) => foreign.test(name))).toEqual([])
}

/** The program as npm would run it: from its tarball, away from the repository. */
async function scaffold(packs: string): Promise<string> {
  const tool = workshop.makeDir("tool")
  const tarball = readdirSync(packs).find((file) => file.startsWith("create-lf-app-")) ?? ""
  await workshop.npm(["install", join(packs, tarball)], { cwd: tool })
  const program = join(tool, "node_modules/.bin/create-lf-app")
  const said = await workshop.run(program, ["my-app", "--yes", "--no-install", "--pm", "npm", "--lf-from", packs])
  expect(said).toContain("  cd my-app\n  npm install\n  npm run dev\n")
  await expect(workshop.run(program, ["my-app", "--yes"])).rejects.toThrow("is not empty")
  return workshop.path("my-app")
}

async function twoBrowsersSync(browser: Browser, url: string): Promise<void> {
  const said: string[] = []
  const open = async (address: string) => {
    const page = await (await browser.newContext()).newPage()
    page.on("console", (message) => said.push(message.text()))
    page.on("pageerror", (error) => said.push(error.message))
    return await TodoPage.open(page, address)
  }
  const a = await open(url)
  await a.page.waitForURL("**/l/*")
  await a.add("one", "two")
  const b = await open(a.page.url())
  await b.shows(["one", "two"])
  await b.toggle("one")
  await expect(a.row("one").getByRole("checkbox")).toBeChecked()
  await a.remove("two")
  await b.shows(["one"])
  await a.isSynced()
  await b.isSynced()
  // Typed faster than anything renders.
  const c = await open(newListUrl(url))
  await c.input.pressSequentially("x\ny\nz\n")
  await c.shows(["x", "y", "z"])
  await c.isSynced()
  expect(said).toEqual([])
}

/** Without a server or an HTTP cache the service worker has the page, and SQLite the rows. */
async function hardReloadOffline(browser: Browser, server: { readonly url: string; stop(): Promise<void> }) {
  const context = await browser.newContext()
  const a = await TodoPage.open(await context.newPage(), newListUrl(server.url))
  await a.add("kept")
  await a.isSynced()
  await a.page.evaluate(() => navigator.serviceWorker.ready)
  await server.stop()
  const cdp = await context.newCDPSession(a.page)
  await cdp.send("Network.clearBrowserCache")
  await a.page.reload()
  await a.shows(["kept"])
  await a.add("offline")
  await expect(a.pending).toHaveText("1")
  // A list that was never open here has its page too.
  const fresh = await TodoPage.open(await context.newPage(), newListUrl(server.url))
  await fresh.add("new")
}

/** A document below loading.tsx, changed by link and in a transition, and a save that outlasts its page (H2, H3). */
async function linksUnderSuspense(browser: Browser, url: string): Promise<void> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${url}/scene/a`)
  // Next keeps hidden what was left, with its rows.
  const shown = (id: string) => page.getByTestId(id).filter({ visible: true })
  const rows = shown("rows")
  await expect(rows).toHaveText("a: ", { timeout: 15_000 })
  await page.getByRole("button", { name: "save" }).click()
  await page.getByRole("link", { name: "b" }).click()
  await expect(rows).toHaveText("b: ")
  await expect(page.getByText("Loading").filter({ visible: true })).toHaveCount(0)
  await expect(async () => {
    await page.getByRole("button", { name: "look" }).click()
    await expect(shown("saved")).toHaveText("kept in a", { timeout: 200 })
  }).toPass({ timeout: 10_000 })
  await page.getByRole("button", { name: "c in a transition" }).click()
  await expect(rows).toHaveText("c: ")
  await page.getByRole("link", { name: "a" }).click()
  await expect(rows).toHaveText("a: saved in a")
  await expect(rows).toHaveCount(1)
  // Back: the old screen, with its rows, at once.
  await page.goBack()
  await expect(rows).toHaveText("c: ", { timeout: 1_000 })
}

/** Moves rows of the near browser from a far one. */
async function movesAnimate(browser: Browser, url: string): Promise<void> {
  await using far = await TransitionsPage.open(browser, url)
  await far.click("plain")
  for (const count of [1, 2, 3]) {
    await far.click("add")
    await expect(far.rows).toHaveCount(count)
  }
  await using near = await TransitionsPage.open(browser, url)
  await near.shows(["row 0", "row 1", "row 2"])
  await near.settles()
  await far.click("move")
  await near.shows(["row 1", "row 2", "row 2x"])
  await near.hasMoved([3])
  await near.click("plain")
  await far.click("move")
  await near.shows(["row 2", "row 2x", "row 2xx"])
  await near.hasMoved([3])
}

/** Goes on with the rows of the test before it. */
async function keysAreShown(browser: Browser, url: string): Promise<void> {
  await using far = await TransitionsPage.open(browser, url)
  await far.click("plain")
  await using near = await TransitionsPage.open(browser, url)
  for (const page of [far, near]) await page.shows(["row 2", "row 2x", "row 2xx"])
  await near.settles()
  await near.animatesSlowly()
  await far.click("move")
  await near.shows(["row 2x", "row 2xx", "row 2xxx"])
  await near.hasMoved([3])
  await near.search.pressSequentially("milk")
  expect(await near.noted()).toContain("key milk")
  // What changes now is known at once, and shown in one step when the animation has ended.
  await far.click("move")
  await near.knows(["row 2xx", "row 2xxx", "row 2xxxx"])
  await far.click("move")
  await near.knows(["row 2xxx", "row 2xxxx", "row 2xxxxx"])
  await near.shows(["row 2x", "row 2xx", "row 2xxx"])
  await near.finishAnimations()
  await near.shows(["row 2xxx", "row 2xxxx", "row 2xxxxx"])
  await near.hasMoved([3, 3])
  await near.finishAnimations()
  // So many rows do not animate: typing goes on while they are rendered.
  await near.click("long")
  await expect(near.rows).toHaveCount(3 * 80)
  await near.search.fill("")
  await far.click("move")
  await near.notes("rendering row 2xxxxxx")
  await near.search.pressSequentially("egg")
  await near.notes("shown row 2xxxxxx")
  const noted = await near.noted()
  // The interrupted renders begin again. The old rows are not rendered once more.
  const since = new Set(noted.slice(noted.lastIndexOf("key ") + 1))
  expect([...since]).toEqual(["rendering row 2xxxxxx", "key e", "key eg", "key egg", "shown row 2xxxxxx"])
  await near.hasMoved([3, 3])
}

/** The near browser's way to the server is cut, with and without an event of the browser. */
async function networkGoesAndComes(browser: Browser, url: string): Promise<void> {
  await using gateway = await Gateway.start(Number(new URL(url).port))
  await using far = await NetworkPage.open(browser, url)
  await using near = await NetworkPage.open(browser, gateway.url)
  gateway.become("down")
  // lf has a connection that ends; Next has none, and no request that fails.
  await near.says({ next: "online", lf: "offline" })
  await near.navigate()
  await near.says({ next: "offline", lf: "offline" })
  await near.click("ask")
  await near.answers("ask", "waiting")
  await near.click("add")
  await near.shows(["todo 0"], { unsent: 1 })
  await expect(near.served).toHaveCount(0)
  await far.shows([], { unsent: 0 })
  gateway.become("up")
  await near.says({ next: "online", lf: "online" })
  await expect(near.served).toBeVisible()
  await near.answers("ask", "answered")
  for (const page of [near, far]) await page.shows(["todo 0"], { unsent: 0 })

  // What Chromium's tools call offline is the page alone: the worker's connection stays.
  await near.page.context().setOffline(true)
  await near.says({ next: "offline", lf: "online" })
  await near.click("add")
  await far.shows(["todo 0", "todo 1"], { unsent: 0 })
  gateway.become("down")
  await near.says({ next: "offline", lf: "offline" })
  await near.click("add")
  await near.shows(["todo 0", "todo 1", "todo 2"], { unsent: 1 })
  gateway.become("up")
  await near.page.context().setOffline(false)
  await near.says({ next: "online", lf: "online" })
  for (const page of [near, far]) await page.shows(["todo 0", "todo 1", "todo 2"], { unsent: 0 })
}

/** Goes on with the todos of the test before it. */
async function answerIsLost(browser: Browser, url: string): Promise<void> {
  await using gateway = await Gateway.start(Number(new URL(url).port))
  await using near = await NetworkPage.open(browser, gateway.url)
  const todos = ["todo 0", "todo 1", "todo 2", "from an action"]
  await near.click("add on the server")
  await near.shows(todos, { unsent: 0 })
  await near.answers("add on the server", "waiting")
  gateway.become("down")
  await near.says({ next: "offline", lf: "offline" })
  gateway.become("up")
  await near.answers("add on the server", "applied,rejected")
  await near.says({ next: "online", lf: "online" })
  await near.shows(todos, { unsent: 0 })
}

async function timed<R>(name: string, work: () => Promise<R>): Promise<R> {
  const startedMs = performance.now()
  const result = await test.step(name, work)
  console.log(`scaffold: ${name} took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  return result
}
