import { execFileSync } from "node:child_process"
import { resolve } from "node:path"
import { type Browser, expect, type Locator, type Page } from "@playwright/test"
import { isAxeClean } from "./axe.ts"
import { Gateway } from "./gateway.ts"
import { Server } from "./server.ts"
import { test } from "./test.ts"

// The tracker of examples/tracker, built and served by Next as its user would.

const wait = { timeout: 30_000 }
/** Sessions outlive a restart. */
const secret = { TRACKER_SECRET: "of the test" }
let server: Server

test.beforeAll(async () => {
  test.setTimeout(180_000)
  const next = resolve("node_modules/next/dist/bin/next")
  execFileSync(process.execPath, [next, "build"], { cwd: "examples/tracker", stdio: "ignore" })
  server = await Server.prepare("tracker")
  await server.start(secret)
})
test.afterAll(() => server[Symbol.asyncDispose]())

test("the tracker: 5,000 issues, two users, a dragged card, a dead server, undo, axe", async ({ browser }) => {
  test.setTimeout(150_000)
  const ada = await signedIn(browser, "Ada")
  const bob = await signedIn(browser, "Bob")
  await isAxeClean(ada, "the tracker's list")

  // Both search: one opens what it finds, and the other sees who reads it.
  for (const page of [ada, bob]) await page.getByRole("searchbox").fill("undo safari report")
  await ada.locator(".issue-row", { hasText: "Undo does not reach the weekly report in Safari" }).first().click()
  await expect(bob.locator(".issue-row").first()).toContainText("Ada", wait)
  await isAxeClean(ada, "the tracker's detail")

  // The address is the search and the issue: back closes it, forward opens it, and another one may be sent it.
  const found = ada.url()
  expect(new URL(found).searchParams.get("text")).toBe("undo safari report")
  await ada.goBack()
  await expect(ada.getByLabel("Title")).toHaveCount(0)
  await ada.goForward()
  await expect(ada.getByLabel("Title")).toBeVisible()

  // What one types into a bound field is the other's row.
  await ada.getByLabel("Title").fill("Undo the undone")
  await bob.getByRole("searchbox").fill("undone")
  await expect(bob.locator(".issue-row")).toHaveCount(1, wait)
  await expect(bob.locator(".issue-row")).toContainText("Undo the undone")

  // By mouse to another column.
  await bob.getByRole("button", { name: "Board", exact: true }).click()
  const card = bob.locator(".card", { hasText: "Undo the undone" })
  for (const column of ["In progress", "To do"]) {
    await card.dragTo(bob.getByRole("region", { name: column }))
    await expect(bob.getByRole("region", { name: column }).locator(".card")).toHaveCount(1)
  }
  await expect(status(ada)).toHaveValue("todo", wait)
  // A finger that rests lifts it, and takes it back to where undo expects it.
  await dragByFinger(bob, card, bob.getByRole("region", { name: "Backlog" }))
  await expect(status(ada)).toHaveValue("backlog", wait)
  await bob.getByRole("button", { name: "Undo", exact: true }).click()
  await expect(status(ada)).toHaveValue("todo", wait)
  await isAxeClean(bob, "the tracker's board")
  await bob.getByRole("button", { name: "Undo", exact: true }).click()
  await expect(status(ada)).toHaveValue("doing", wait)

  // Without a server everything goes on, and arrives when it is back.
  await ada.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await server.stop("SIGKILL")
  await ada.getByLabel("New comment").fill("written on a train")
  await ada.getByRole("button", { name: "Comment", exact: true }).click()
  await expect(ada.getByText("written on a train")).toBeVisible()
  await ada.goto(found)
  await expect(ada.getByText("written on a train")).toBeVisible(wait)
  await server.start(secret)
  await card.click()
  await expect(bob.getByText("written on a train")).toBeVisible({ timeout: 60_000 })

  // A new issue is called what is typed at once; a comment of another one on it is marked until it is opened.
  await ada.getByRole("button", { name: "New issue", exact: true }).click()
  await expect(ada.getByLabel("Title")).toBeFocused()
  await ada.keyboard.type("A tunnel")
  await bob.getByRole("button", { name: "List", exact: true }).click()
  await bob.getByRole("searchbox").fill("tunnel")
  await bob.locator(".issue-row", { hasText: "A tunnel" }).click(wait)
  await ada.getByRole("button", { name: "Close" }).click()
  await bob.getByLabel("New comment", { exact: true }).fill("it is dark in here")
  await bob.getByRole("button", { name: "Comment", exact: true }).click()
  await ada.getByRole("searchbox").fill("tunnel")
  const row = ada.locator(".issue-row", { hasText: "A tunnel" })
  await expect(row.getByLabel("Unread")).toBeVisible(wait)
  await row.click()
  await expect(ada.getByText("it is dark in here")).toBeVisible()
  await expect(row.getByLabel("Unread")).toHaveCount(0, wait)
})

test("what the server refuses is said with the user's own text, until it is dismissed", async ({ browser }) => {
  test.setTimeout(120_000)
  await using gateway = await Gateway.start(server.port)
  const bert = await signedIn(browser, "Bert")
  await bert.getByRole("button", { name: "New issue", exact: true }).click()
  await expect(bert.getByLabel("Title")).toBeVisible(wait)
  const alice = await signedIn(browser, "Alice", { url: `${gateway.url}/${new URL(bert.url()).search}` })
  await expect(alice.getByLabel("Title")).toBeVisible(wait)

  gateway.become("down")
  await expect(alice.locator(".connection")).not.toHaveText("", wait)
  await alice.getByLabel("New comment").fill("long and thoughtful")
  await alice.getByRole("button", { name: "Comment", exact: true }).click()
  await alice.getByLabel("Description").pressSequentially("an essay")
  await alice.waitForTimeout(1_500)
  await alice.getByLabel("Description").pressSequentially(" in two goes")
  await expect(alice.locator(".connection")).toContainText("3 unsent", wait)
  await alice.setViewportSize({ width: 360, height: 740 })
  await expect(alice.locator(".connection")).toBeInViewport()
  await alice.setViewportSize({ width: 1_280, height: 800 })
  await bert.getByRole("button", { name: "Undo", exact: true }).click()
  await expect(bert.getByText("This issue is gone")).toBeVisible(wait)
  gateway.become("up")

  const notices = said(alice)
  await expect(notices).toHaveCount(2, { timeout: 60_000 })
  await expect(notices.nth(0)).toContainText("long and thoughtful")
  await expect(notices.nth(1)).toContainText("an essay in two goes")
  await expect(notices.nth(0)).toContainText("The issue is gone")
  await expect(alice.getByText("This issue is gone")).toBeVisible()
  await isAxeClean(alice, "the tracker's notices")
  // Nothing lies over anything else, on a phone either.
  for (const width of [1_280, 360]) {
    await alice.setViewportSize({ width, height: 740 })
    const [detail, notice] = [await boxOf(alice.locator(".detail")), await boxOf(alice.locator(".notices"))]
    expect(detail.y + detail.height).toBeLessThanOrEqual(notice.y + 0.5)
  }

  // They outlive a reload, and go one by one; the focus goes to what is left.
  await alice.reload()
  await expect(notices).toHaveCount(2, wait)
  await alice.context().grantPermissions(["clipboard-read", "clipboard-write"])
  await notices.nth(0).getByRole("button", { name: "Copy text" }).click()
  await expect(notices.nth(0).getByRole("button", { name: "Copied" })).toBeFocused()
  expect(await alice.evaluate(() => navigator.clipboard.readText())).toBe("long and thoughtful")
  await notices.nth(0).getByRole("button", { name: "Dismiss" }).press("Enter")
  await expect(notices).toHaveCount(1, wait)
  await expect(notices.nth(0).getByRole("button", { name: "Dismiss" })).toBeFocused()
  await alice.keyboard.press("Enter")
  await expect(notices).toHaveCount(0, wait)
  await expect(alice.getByRole("heading", { level: 2 })).toBeFocused()
  await alice.getByRole("button", { name: "Close" }).click()
  await expect(alice.locator(".detail")).toHaveCount(0)
})

test("an issue that vanishes takes no text with it, and what is typed on does nothing", async ({ browser }) => {
  test.setTimeout(90_000)
  const bob = await signedIn(browser, "Bo")
  await bob.getByRole("button", { name: "New issue", exact: true }).click()
  await expect(bob.getByLabel("Title")).toBeFocused()
  const zoe = await signedIn(browser, "Zo", { url: bob.url() })
  const comment = zoe.getByLabel("New comment")
  // A draft outlives a reload, and the way to another issue and back.
  await comment.fill("half written")
  await zoe.reload()
  await expect(comment).toHaveValue("half written", wait)
  await zoe.locator(".issue-row").nth(1).click()
  await expect(comment).toHaveValue("")
  await zoe.locator(".issue-row").nth(0).click()
  await expect(comment).toHaveValue("half written")

  await zoe.getByLabel("Description").click()
  await zoe.keyboard.type("because")
  await bob.getByRole("button", { name: "Undo", exact: true }).click()
  await expect(zoe.getByText("This issue is gone")).toBeVisible(wait)
  const count = await zoe.getByTestId("count").innerText()
  await zoe.keyboard.type("cbj")
  await zoe.keyboard.press("Control+z")
  await expect(said(zoe)).toHaveCount(2)
  await expect(said(zoe).filter({ hasText: "half written" })).toContainText("The issue is gone")
  await expect(said(zoe).filter({ hasText: "because" })).toContainText(/Your description was not (kept|accepted)/)
  await expect(zoe.getByTestId("count")).toHaveText(count)
  expect(new URL(zoe.url()).search).toBe(new URL(bob.url()).search)
  await isAxeClean(zoe, "notices of what was lost")
  await said(zoe).nth(0).getByRole("button", { name: "Dismiss" }).click()
  await said(zoe).nth(0).getByRole("button", { name: "Dismiss" }).click()
  await expect(said(zoe)).toHaveCount(0)
  await zoe.keyboard.press("b")
  await expect(zoe.locator(".board")).toBeVisible()
})

test("undo: not of the sign-in, a title in one step, and an empty title is no title", async ({ browser }) => {
  const page = await signedIn(browser, "Zed")
  const undo = page.getByRole("button", { name: "Undo", exact: true })
  await expect(undo).toBeDisabled()
  await page.keyboard.press("Control+z")
  await expect(said(page)).toContainText("nothing left to undo")
  await page.getByRole("button", { name: "Dismiss" }).click()
  await expect(said(page)).toHaveCount(0)
  await page.getByRole("button", { name: "New issue", exact: true }).click()
  const title = page.getByLabel("Title")
  await expect(title).toBeFocused()
  await page.keyboard.type("Abcdefgh", { delay: 120 })
  await undo.click()
  await expect(title).toHaveValue("New issue")

  await title.fill("")
  await page.getByLabel("Description").click()
  await expect(title).toHaveValue("New issue")
  const problem = page.locator(".detail").getByRole("alert")
  await expect(problem).toHaveText("A title cannot be empty. The one that is kept is “New issue”.")
  await title.fill("Kept")
  await title.press("Enter")
  await expect(problem).toHaveCount(0)
  await expect(page.locator(".issue-row").first()).toContainText("Kept")
})

test("undo of an issue that another user has written to says so, in a sentence", async ({ browser }) => {
  const page = await signedIn(browser, "Yan")
  await page.getByRole("button", { name: "New issue", exact: true }).click()
  await expect(page.getByLabel("Title")).toBeVisible(wait)
  const other = await signedIn(browser, "Xu", { url: page.url() })
  await other.getByLabel("New comment").fill("seen", wait)
  await other.getByRole("button", { name: "Comment", exact: true }).click()
  await expect(page.getByText("seen")).toBeVisible(wait)
  await expect(other.getByRole("button", { name: "Undo", exact: true })).toBeEnabled()
  await page.getByRole("button", { name: "Undo", exact: true }).click()
  await expect(said(page)).toHaveText(/^It was not undone. It has been changed since./, wait)
})

test("by keyboard: a card goes on being moved, and an issue is entered and left", async ({ browser }) => {
  const page = await signedIn(browser, "Kay", { url: `${server.url}/?view=board` })
  const column = (name: string) => page.getByRole("region", { name, exact: true })
  const card = page.locator(`#${await column("Backlog").locator(".card").nth(1).getAttribute("id")}`)
  await card.focus()
  for (const name of ["To do", "In progress", "Done"]) {
    await page.keyboard.press(">")
    await expect(column(name).locator(card)).toBeFocused()
  }
  // Undo moves it as well.
  await page.keyboard.press("Control+z")
  await expect(column("In progress").locator(card)).toBeFocused()
  await page.keyboard.press("j")
  await expect(column("In progress").locator(".card").nth(1)).toBeFocused()
  await page.keyboard.press("h")
  await expect(column("To do").locator(".card").nth(1)).toBeFocused()
  await page.keyboard.press("k")
  await expect(column("To do").locator(".card").nth(0)).toBeFocused()

  // Where the filter leaves its new column out, the next card has the focus.
  const statuses = page.getByRole("search").getByLabel("Status")
  await statuses.selectOption("todo")
  await expect(page.locator(".column")).toHaveCount(1)
  const second = page.locator(`#${await page.locator(".card").nth(1).getAttribute("id")}`)
  await page.locator(".card").nth(0).press(">")
  await expect(second).toBeFocused()
  await expect(page.locator(".card").nth(0)).toBeFocused()
  await statuses.selectOption("")
  await second.focus()

  await page.keyboard.press("b")
  const row = page.locator(".issue-row").nth(2)
  await row.press("Enter")
  const heading = page.getByRole("heading", { level: 2 })
  await expect(heading).toBeFocused()
  const [number, text] = [await row.locator(".number").innerText(), await row.locator(".title").innerText()]
  await expect(page).toHaveTitle(`${number} ${text} – Tracker`)
  await page.keyboard.press("Escape")
  await expect(row).toBeFocused()
  await expect(page).toHaveTitle("Issues – Tracker")
  await page.keyboard.press("j")
  await expect(page.locator(".issue-row").nth(0)).toBeFocused()

  await page.goto(`${server.url}/?issue=nothere`)
  await expect(page.getByText("This issue is gone")).toBeVisible(wait)
  await page.getByRole("button", { name: "Close" }).click()
  await expect(page.locator("#issues")).toBeFocused()
  await page.reload()
  await expect(page.locator(".issue-row").first()).toBeVisible(wait)
  await page.keyboard.press("Tab")
  await expect(page.getByRole("link", { name: "Skip to the issues" })).toBeFocused()
  await page.keyboard.press("Enter")
  await expect(page.locator("#issues")).toBeFocused()
})

test("on a phone, enlarged to 400 %, and in forced colours", async ({ browser }) => {
  const page = await signedIn(browser, "Pia", { hasTouch: true, isMobile: true, width: 360 })
  await page.getByRole("searchbox").fill("zzqq")
  await expect(page.getByText("No issue is like that.")).toBeVisible()
  await isAxeClean(page, "an empty list on a phone")
  await page.getByRole("button", { name: "Board", exact: true }).click()
  await isAxeClean(page, "an empty board on a phone")
  await page.getByRole("button", { name: "Clear" }).click()
  await page.getByRole("button", { name: "List", exact: true }).click()
  expect(await smallTargets(page)).toEqual([])
  for (const name of ["Status", "Label", "Assignee"]) {
    const select = page.getByRole("search").getByLabel(name)
    expect(await select.locator("option").first().innerText()).toBe(`${name}: all`)
    expect(await select.evaluate((one) => one.scrollWidth > one.clientWidth || one.clientWidth < 100)).toBe(false)
  }
  await page.locator(".issue-row").nth(1).click()
  await expect(page.getByLabel("Title")).toBeVisible()
  expect(await smallTargets(page)).toEqual([])
  await isAxeClean(page, "a detail on a phone")

  // All of a title is to be seen.
  const title = page.getByLabel("Title")
  expect(await title.evaluate(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)).toBeLessThanOrEqual(0)
  await page.getByRole("button", { name: "Close" }).click()

  // A word may be longer than a card is wide.
  await page.getByRole("button", { name: "New issue", exact: true }).click()
  await title.fill("w".repeat(150))
  await page.getByRole("button", { name: "Close" }).click()
  await page.getByRole("button", { name: "Board", exact: true }).click()
  const wide = page.locator(".card", { hasText: "www" })
  expect(await wide.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBeLessThanOrEqual(0)

  const small = await signedIn(browser, "Zoe", { width: 320, height: 256 })
  await small.mouse.wheel(0, 400)
  await expect.poll(async () => (await boxOf(small.locator("#issues"))).y).toBeLessThan(0)

  await small.emulateMedia({ forcedColors: "active" })
  const shapes = await small.locator(".issue-row .status svg").evaluateAll((all) => all.map((one) => one.innerHTML))
  expect(new Set(shapes).size).toBe(4)
  const bars = await small.locator(".issue-row .priority svg").evaluateAll((all) => all.map((one) => one.innerHTML))
  expect(new Set(bars).size).toBe(4)
})

test("on a phone a long name leaves a title room and news move no row; paper has all text", async ({ browser }) => {
  const max = await signedIn(browser, `Maximiliane ${"von und zu ".repeat(3)}`.slice(0, 40).trim())
  const pia = await signedIn(browser, "Pam", { hasTouch: true, isMobile: true, width: 320 })
  await max.locator(".issue-row").nth(1).click()
  const row = pia.locator(".issue-row", { has: pia.locator(".reader") })
  await expect(row).toBeVisible(wait)
  const before = await boxOf(row)
  expect((await boxOf(row.locator(".title"))).width).toBeGreaterThan(60)
  expect(await row.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBeLessThanOrEqual(0)
  const [undo, redo] = await Promise.all(
    ["Undo", "Redo"].map((name) => boxOf(pia.getByRole("button", { name, exact: true }))),
  )
  expect(undo?.y).toBe(redo?.y)
  const text = max.getByLabel("Description")
  await text.fill("line\n".repeat(40))
  await expect(pia.getByRole("button", { name: "1 updated" })).toBeVisible(wait)
  expect(await boxOf(row)).toEqual(before)
  expect(await smallTargets(pia)).toEqual([])
  await isAxeClean(pia, "news on a phone")

  await max.emulateMedia({ media: "print" })
  expect(await text.evaluate(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)).toBeLessThanOrEqual(0)
  for (const name of ["Close", "Comment", "New issue"]) {
    await expect(max.getByRole("button", { name, exact: true })).toBeHidden()
  }
  await max.emulateMedia({ media: "screen" })
  await max.getByRole("button", { name: "Close" }).click()
  await max.emulateMedia({ media: "print" })
  const list = await boxOf(max.locator(".issue-list"))
  expect((await boxOf(max.locator(".tracker"))).height).toBeGreaterThanOrEqual(list.height)
})

test("without scripts or workers a page says why there is no tracker", async ({ browser }) => {
  const scriptless = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  await scriptless.goto(server.url)
  await expect(scriptless.getByRole("heading")).toHaveText("The tracker needs JavaScript")
  await expect(scriptless.getByRole("main")).toHaveCount(1)

  const context = await browser.newContext()
  await context.addInitScript(() => {
    for (const name of ["SharedWorker", "Worker"]) Reflect.deleteProperty(window, name)
  })
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByLabel("Your name").fill("Now")
  await page.getByRole("button", { name: "Sign in" }).click()
  await expect(page.getByRole("heading")).toHaveText("This browser cannot run the tracker", wait)
  await isAxeClean(page, "a browser that cannot run the tracker")
})

test("a name may be of any script, and one that is refused stays in the field", async ({ browser }) => {
  const page = await (await browser.newContext()).newPage()
  await page.goto(server.url)
  const field = page.getByLabel("Your name")
  await expect(field).toBeVisible()
  expect(await layoutShift(page)).toBe(0)
  await field.fill("!!!")
  await page.getByRole("button", { name: "Sign in" }).click()
  await expect(page.getByRole("alert").filter({ hasText: /./ })).toContainText(
    "A name needs at least one letter or digit",
    wait,
  )
  await expect(field).toHaveValue("!!!")
  await expect(page.getByRole("button", { name: "Sign in" })).toBeFocused()
  for (const name of ["Дмитрий", "美咲", "José"]) {
    const signed = await signedIn(browser, name)
    await expect(signed.getByRole("list", { name: "Who is here" })).toContainText(name)
    await signed.getByRole("button", { name: "New issue", exact: true }).click()
    await expect(signed.getByRole("heading", { level: 2 })).toContainText(`by ${name}`, wait)
    await expect(signed.locator(".connection")).toHaveText("", wait)
    await signed.reload()
    await expect(signed.getByRole("heading", { level: 2 })).toContainText(`by ${name}`, wait)
  }
})

/** How much of the page has moved by itself since it was opened. */
function layoutShift(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const sum = (entries: PerformanceEntryList) =>
          entries.reduce((total, entry) => total + (entry as PerformanceEntry & { value: number }).value, 0)
        new PerformanceObserver((list) => resolve(sum(list.getEntries()))).observe({
          type: "layout-shift",
          buffered: true,
        })
        setTimeout(() => resolve(0), 500)
      }),
  )
}

test("a session that ended keeps what waits, and the page asks to sign in again", async ({ browser }) => {
  const page = await signedIn(browser, "Kim")
  await page.context().clearCookies()
  // The connection that is open has asked for the cookie already.
  await server.stop("SIGKILL")
  await server.start(secret)
  await page.getByRole("button", { name: "Sign in again" }).click(wait)
  await page.getByLabel("Your name").fill("Kim")
  await page.getByRole("button", { name: "Sign in" }).click()
  await expect(page.getByTestId("count")).toHaveText(/^5,0\d\d issues$/, wait)
  await expect(page.locator(".connection")).toHaveAttribute("data-status", "connected", wait)
})

const said = (page: Page) => page.getByRole("region", { name: "Notices" }).getByRole("alert")

interface Visit {
  readonly url?: string
  readonly width?: number
  readonly height?: number
  readonly hasTouch?: boolean
  readonly isMobile?: boolean
}

async function signedIn(browser: Browser, name: string, visit: Visit = {}): Promise<Page> {
  const { url = server.url, width = 1_280, height = 800, ...kind } = visit
  const page = await (await browser.newContext({ viewport: { width, height }, ...kind })).newPage()
  await page.goto(url)
  await page.getByLabel("Your name").fill(name)
  await page.getByRole("button", { name: "Sign in" }).click()
  await expect(page.getByTestId("count")).toHaveText(/^5,0\d\d issues$/, wait)
  return page
}

async function boxOf(element: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await element.boundingBox()
  if (box === null) throw new Error("it is not shown")
  return box
}

/** What a finger would miss. */
function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, select, input, textarea")]
      .filter((one) => one.checkVisibility())
      .map((one) => ({ name: one.getAttribute("aria-label") ?? one.innerText, box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 44 || box.height < 44)
      .map(({ name, box }) => `${name}: ${box.width} x ${box.height}`),
  )
}

async function dragByFinger(page: Page, card: Locator, column: Locator): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", points: { x: number; y: number }[]) =>
    cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points })
  const from = await middleOf(card)
  const to = { ...(await middleOf(column)), y: from.y }
  await touch("touchStart", [from])
  await expect(page.locator(".ghost")).toBeVisible()
  for (let step = 1; step <= 5; step++)
    await touch("touchMove", [{ x: from.x + ((to.x - from.x) * step) / 5, y: to.y }])
  await touch("touchEnd", [])
  await expect(column.locator(".card")).toHaveCount(1)
  await cdp.detach()
}

async function middleOf(element: Locator): Promise<{ x: number; y: number }> {
  const box = await boxOf(element)
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

/** That of the issue which is open: the first is the filter's. */
const status = (page: Page) => page.getByLabel("Status").nth(1)
