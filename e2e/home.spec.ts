import { expect, type Locator } from "@playwright/test"
import { beforeHydration } from "./before-hydration.ts"
import { Server } from "./server.ts"
import { test } from "./test.ts"

let server: Server
test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server.stop())

async function add(pane: Locator, title: string): Promise<void> {
  await pane.getByRole("textbox").fill(title)
  await pane.getByRole("textbox").press("Enter")
  await expect(pane.getByRole("checkbox", { name: title })).toBeVisible()
}

test("two clients in one page: both see an edit, one is cut and works on, joined they agree (T21)", async ({
  page,
}) => {
  const said: string[] = []
  page.on("console", (message) => said.push(message.text()))
  page.on("pageerror", (error) => said.push(error.message))
  await page.goto(server.url)
  const laptop = page.getByRole("article", { name: "Laptop" })
  const phone = page.getByRole("article", { name: "Phone on a train" })
  for (const pane of [laptop, phone]) await expect(pane.getByRole("status")).toHaveText("Online", { timeout: 20_000 })
  // Else the first edit may come with the phone's first pages, and is no change.
  for (const pane of [laptop, phone]) await expect(pane.getByText(/The database is here/)).toBeVisible()
  await add(laptop, "milk")
  await expect(phone.getByRole("checkbox", { name: "milk" })).toBeVisible()
  await expect(phone.getByRole("listitem").filter({ hasText: /Changed elsewhere: \d+ pages, \d+ B in/ })).toHaveCount(1)
  await expect(laptop.getByText(/Rebase on \d+ pages: the server decided 1, 0 run again here; \d+ B in/)).toBeVisible()

  await phone.getByRole("switch").click()
  await expect(phone.getByRole("status")).toHaveText("Offline")
  await add(phone, "in a tunnel")
  await phone.getByRole("checkbox", { name: "milk" }).click()
  await expect(phone.getByText("waits", { exact: true })).toHaveCount(2)
  await add(laptop, "at home")
  await expect(laptop.getByRole("checkbox")).toHaveCount(2)
  await expect(phone.getByRole("checkbox")).toHaveCount(2)

  await phone.getByRole("switch").click()
  for (const pane of [laptop, phone]) {
    await expect(pane.getByRole("checkbox")).toHaveCount(3)
    await expect(pane.getByRole("checkbox", { name: "milk" })).toBeChecked()
  }
  await expect(phone.getByText("waits", { exact: true })).toHaveCount(0)
  // One pull or two: what the server has decided is in the pages, what it has not runs again.
  await expect(phone.getByText(/^Rebase on \d+ pages: .* run again here; \d+ B in, \d+ B out$/).first()).toBeVisible()
  expect(said).toEqual([])
  // Nothing of it stays on this device.
  expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([])
})

test("a refusal is said in its pane and in its log; the list stays over a reload; no line of the log is cut", async ({
  page,
}) => {
  await page.setViewportSize({ width: 360, height: 740 })
  await page.goto(server.url)
  const laptop = page.getByRole("article", { name: "Laptop" })
  const phone = page.getByRole("article", { name: "Phone on a train" })
  for (const pane of [laptop, phone]) await expect(pane.getByText(/The database is here/)).toBeVisible()
  await add(laptop, "milk")
  const below = await phone.boundingBox()
  await laptop.getByRole("textbox").fill("reject me")
  await laptop.getByRole("textbox").press("Enter")
  await expect(laptop.getByRole("alert")).toContainText("The server did not accept adding “reject me”")
  await expect(laptop.getByText(/^The server refused .*reject me/)).toBeVisible()
  await expect(phone.getByRole("alert")).toHaveText("")
  expect(await phone.boundingBox()).toEqual(below)
  const lines = laptop.getByRole("list", { name: "What happened on laptop" }).getByRole("listitem")
  for (const line of await lines.all())
    expect(await line.evaluate((text) => text.scrollWidth - text.clientWidth)).toBeLessThanOrEqual(0)
  await laptop.getByRole("button", { name: "Dismiss" }).press("Enter")
  await expect(laptop.getByRole("alert")).toHaveText("")
  await expect(laptop.getByRole("textbox")).toBeFocused()
  await page.reload()
  for (const pane of [laptop, phone]) await expect(pane.getByRole("checkbox", { name: "milk" })).toBeVisible()
})

test("what is typed before the page's scripts have arrived stays, with its focus (H9)", async ({ page }) => {
  const arrive = await beforeHydration(page, server.url)
  const laptop = page.getByRole("article", { name: "Laptop" })
  await laptop.getByRole("textbox").pressSequentially("milk")
  await arrive()
  await expect(laptop.getByRole("status")).toHaveText("Online", { timeout: 20_000 })
  await page.keyboard.type(" and bread")
  await page.keyboard.press("Enter")
  await expect(laptop.getByRole("checkbox", { name: "milk and bread" })).toBeVisible()
  await page.goto("about:blank")

  const arriveThere = await beforeHydration(page, `${server.url}/sql`)
  const box = page.getByRole("textbox", { name: "SQL query" })
  await box.fill("select 1 as one")
  await arriveThere()
  await expect(page.getByTestId("connection-status")).toHaveText("Online", { timeout: 20_000 })
  await box.press("Control+Enter")
  await expect(box).toHaveValue("select 1 as one")
  await expect(page.getByRole("columnheader", { name: "one" })).toBeVisible()
})

test("older todos are counted; both clients are on a phone's screen; without the server an edit waits", async ({
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 780 })
  await page.goto(server.url)
  const laptop = page.getByRole("article", { name: "Laptop" })
  const phone = page.getByRole("article", { name: "Phone on a train" })
  for (const pane of [laptop, phone]) await expect(pane.getByText(/The database is here/)).toBeVisible()
  for (const title of ["one", "two", "three", "four", "five", "six"]) await add(laptop, title)
  for (const pane of [laptop, phone]) await expect(pane.getByText("and 2 more")).toBeVisible()
  await expect(page.locator(".home-code")).toContainText("order by created_at desc, id limit 4")
  await page.locator(".panes").evaluate((panes) => panes.scrollIntoView())
  for (const pane of [laptop, phone]) await expect(pane).toBeInViewport({ ratio: 0.99 })
  await server.stop("SIGKILL")
  await expect(laptop.getByRole("status")).toHaveText("Offline", { timeout: 15_000 })
  await add(laptop, "seven")
  await expect(laptop.getByText("AddTodo ran here at once, and waits")).toBeVisible()
  await server.start()
})

test("the page leads to a list of one's own, and later to the last one", async ({ page }) => {
  await page.goto(server.url)
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Todo list" }).click()
  await expect(page).toHaveURL(/\/l\/[0-9a-f]{32}$/)
  const url = page.url()
  await expect(page.getByPlaceholder("What needs to be done?")).toBeVisible()
  await expect(page.getByText("Nothing to do yet.")).toBeVisible({ timeout: 20_000 })
  await page.goto(`${server.url}/list`)
  await expect(page).toHaveURL(url)
})
