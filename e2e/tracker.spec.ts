import { execFileSync } from "node:child_process"
import { resolve } from "node:path"
import { type Browser, expect, type Locator, type Page } from "@playwright/test"
import { isAxeClean } from "./axe.ts"
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
  await ada.locator(".issue-row").first().click()
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
  await ada.getByRole("button", { name: "New issue" }).click()
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

async function signedIn(browser: Browser, name: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1_280, height: 800 } })).newPage()
  await page.goto(server.url)
  await page.getByLabel("Your name").fill(name)
  await page.getByRole("button", { name: "Sign in" }).click()
  await expect(page.getByTestId("count")).toHaveText("5,000 issues", wait)
  return page
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
  const box = await element.boundingBox()
  if (box === null) throw new Error("it is not shown")
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

/** That of the issue which is open: the first is the filter's. */
const status = (page: Page) => page.getByLabel("Status").nth(1)
