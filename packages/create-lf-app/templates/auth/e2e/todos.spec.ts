import { randomUUID } from "node:crypto"
import { type Browser, expect, type Page, test } from "@playwright/test"

async function pageOf(browser: Browser): Promise<Page> {
  return (await browser.newContext()).newPage()
}

/** Next keeps pages that were left, hidden. */
function field(page: Page, label: string) {
  return page.getByLabel(label).filter({ visible: true })
}

async function signUp(page: Page, name: string) {
  await field(page, "Name").fill(name)
  await field(page, "E-mail").fill(`${randomUUID()}@example.com`)
  await field(page, "Password").fill("correct horse")
  await page.getByRole("button", { name: "Make an account" }).click()
  await expect(page.getByRole("link", { name: "Sign out" })).toBeVisible()
}

async function begin(page: Page, title: string) {
  await field(page, "New list").fill(title)
  await page.getByRole("button", { name: "Begin" }).click()
  await expect(page.getByRole("heading", { name: title })).toBeVisible()
}

async function add(page: Page, title: string) {
  await field(page, "New todo").fill(title)
  await field(page, "New todo").press("Enter")
}

async function isSent(page: Page) {
  await expect(page.getByTestId("connection-status")).toHaveText("connected")
  await expect(page.getByTestId("pending-count")).toHaveText("0")
}

async function inviteLink(page: Page, role: string): Promise<string> {
  await field(page, "Role").selectOption(role)
  await page.getByRole("button", { name: "Make an invitation" }).click()
  return await field(page, "For one person").inputValue()
}

test("an owner invites, both write, a viewer cannot, and a removed member reads why", async ({ browser }) => {
  test.setTimeout(60_000)
  const ada = await pageOf(browser)
  await ada.goto("/sign-up")
  await signUp(ada, "Ada")
  await begin(ada, "Trip")
  await add(ada, "tent")
  await isSent(ada)

  const ben = await pageOf(browser)
  await ben.goto("/sign-up")
  await signUp(ben, "Ben")
  await ben.goto(ada.url())
  await expect(ben.getByText("You are no member of this list")).toBeVisible()

  const link = await inviteLink(ada, "editor")
  await ben.goto(link)
  await ben.getByRole("button", { name: "Join as Ben" }).click()
  await expect(ben.getByTestId("todo-title")).toHaveText(["tent"])
  await add(ben, "stove")
  await expect(ada.getByTestId("todo-title")).toHaveText(["tent", "stove"])
  await expect(ada.getByTestId("member")).toHaveText([/Ada/, /Ben/])

  // A link is good once, also for a user who signs in on the way.
  const eve = await pageOf(browser)
  await eve.goto(link)
  await eve.getByRole("link", { name: "Sign in" }).last().click()
  await eve.getByRole("link", { name: "Make one" }).click()
  await signUp(eve, "Eve")
  await eve.getByRole("button", { name: "Join as Eve" }).click()
  await expect(eve.getByText("This invitation was used")).toBeVisible()

  await eve.goto(await inviteLink(ada, "viewer"))
  await eve.getByRole("button", { name: "Join as Eve" }).click()
  await expect(eve.getByTestId("todo-title")).toHaveText(["tent", "stove"])
  await expect(field(eve, "New todo")).toBeDisabled()

  await ada.getByRole("button", { name: "Remove Ben" }).click()
  // The row is gone that authorize() has read: it is asked again at once.
  await expect(ben.getByText("You are no member of this list")).toBeVisible()
})

test("what is written signed out belongs to the user who signs in, and goes with them", async ({ page, browser }) => {
  await page.goto("/")
  await begin(page, "Before")
  await add(page, "early")
  await page.getByRole("link", { name: "Sign in" }).first().click()
  await page.getByRole("link", { name: "Make one" }).click()
  await signUp(page, "Ada")
  await expect(page.getByTestId("todo-title")).toHaveText(["early"])
  await expect(page.getByTestId("member")).toHaveText([/Ada.*owner/])
  await isSent(page)
  const address = page.url()

  await page.getByRole("link", { name: "Sign out" }).click()
  await page.getByRole("button", { name: "Sign out" }).click()
  await expect(page.getByText("You are signed out")).toBeVisible()
  await page.goto(address)
  await expect(page.getByText("to open this list")).toBeVisible()
  const other = await pageOf(browser)
  await other.goto(address)
  await expect(other.getByText("to open this list")).toBeVisible()
})

test("a hard reload offline opens the list, with an empty HTTP cache", async ({ context, page }) => {
  await page.goto("/sign-up")
  await signUp(page, "Ada")
  await begin(page, "Trip")
  await add(page, "tent")
  await isSent(page)
  await page.evaluate(() => navigator.serviceWorker.ready)
  const cdp = await context.newCDPSession(page)
  await cdp.send("Network.clearBrowserCache")
  await context.setOffline(true)
  await page.reload()
  await expect(page.getByTestId("todo-title")).toHaveText(["tent"])
})
