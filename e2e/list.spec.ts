// What the list says of itself: what waits, where it is, who is here, and in which direction it is read.
import { expect } from "@playwright/test"
import { Server } from "./server.ts"
import { test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

let server: Server
test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

test("offline by choice shows at once; each row of a waiting change has its mark, and their count is shown on a phone", async ({
  page,
}) => {
  await page.setViewportSize({ width: 360, height: 740 })
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("one", "two", "three")
  await todo.isSynced()
  await page.getByTestId("offline-switch").click()
  await expect(todo.status).toHaveText("Offline", { timeout: 1_000 })
  await page.getByRole("checkbox", { name: "Mark all as complete" }).press("Space")
  await expect(page.getByRole("img", { name: "Not sent yet" })).toHaveCount(3)
  await todo.toggle("two")
  await todo.add("four")
  await expect(page.getByRole("img", { name: "Not sent yet" })).toHaveCount(4)
  await expect(page.getByText("3 unsent")).toBeVisible()
  const { width = 0 } = (await page.getByText("3 unsent").boundingBox()) ?? {}
  expect(width).toBeGreaterThan(30)
  await page.getByTestId("offline-switch").click()
  await todo.isSynced()
  await expect(page.getByRole("img", { name: "Not sent yet" })).toHaveCount(0)
})

test("offline, a list that this device never had says so; one that begins here invites", async ({ page }) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.isSynced()
  await page.getByTestId("offline-switch").click()
  await TodoPage.open(page, newListUrl(server.url))
  await expect(page.getByText("This list is not on this device yet. It comes when you are online.")).toBeVisible()
  await page.goto(`${server.url}/lists`)
  await page.getByRole("button", { name: "New list" }).click()
  await expect(page.getByText("Nothing to do yet.")).toBeVisible()
  await page.reload()
  await expect(page.getByText("Nothing to do yet.")).toBeVisible()
  await expect(page.getByText("not on this device")).toHaveCount(0)
})

test("a first list that begins offline invites too", async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("lf.offline", "yes"))
  await page.goto(`${server.url}/list`)
  await expect(page).toHaveURL(/\/l\/[0-9a-f]{32}$/)
  await expect(page.getByText("Nothing to do yet.")).toBeVisible()
})

test("what waits offline may be kept by a button, where the browser would remove it", async ({ page }) => {
  await page.addInitScript(() => {
    let asked = 0
    StorageManager.prototype.persisted = async () => asked > 1
    // At first it does not agree.
    StorageManager.prototype.persist = async () => ++asked > 1
  })
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("one")
  await todo.isSynced()
  const keep = page.getByRole("button", { name: "Keep on this device" })
  await expect(keep).toHaveCount(0)
  await page.getByTestId("offline-switch").click()
  await todo.add("two")
  await expect(page.getByText("One change is on this device alone.")).toBeVisible()
  await keep.press("Enter")
  await expect(keep).toHaveCount(0)
  await expect(todo.input).toBeFocused()
  await page.getByTestId("offline-switch").click()
})

test("who is here is shown on a phone; titles and names have the direction of their words", async ({
  browser,
  page,
}) => {
  await page.setViewportSize({ width: 360, height: 740 })
  const url = newListUrl(server.url)
  const todo = await TodoPage.open(page, url)
  await TodoPage.open(await (await browser.newContext()).newPage(), url)
  const here = page.locator(".here")
  await expect(here).toHaveText("2 here")
  await expect(here).toBeInViewport({ ratio: 1 })

  await todo.add("left to right", "من اليمين")
  await todo.input.fill("من")
  const name = page.getByTestId("list-name")
  await name.fill("قائمة")
  for (const field of [todo.input, name, todo.row("من اليمين").getByTestId("todo-title")])
    await expect(field).toHaveCSS("direction", "rtl")
  await expect(todo.row("left").getByTestId("todo-title")).toHaveCSS("direction", "ltr")
  await todo.row("من اليمين").getByTestId("todo-title").dblclick()
  await expect(page.getByTestId("todo-edit")).toHaveCSS("direction", "rtl")
  await page.keyboard.press("Escape")
  await page.goto(`${server.url}/lists`)
  await expect(page.getByText("قائمة")).toHaveCSS("direction", "rtl")
})

test("a long list without a name is cut between two words, with an ellipsis", async ({ page }) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("Buy milk", `a title of many words${" and more".repeat(12)}`)
  await page.goto(`${server.url}/lists`)
  await expect(page.locator(".lists-name")).toHaveText(/^Buy milk, a title of many words( and more)+( and)?…$/)
})

test("notices have room of their own: they cover neither a row nor the title, and a row's box stays in its middle", async ({
  page,
}) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("one")
  await todo.isSynced()
  const chevron = page.locator(".toggle-all + label")
  const [fieldTop, boxTop] = [(await todo.input.boundingBox())?.y ?? 0, (await chevron.boundingBox())?.y ?? 0]
  await todo.input.fill("reject me")
  await todo.input.press("Enter")
  const notice = page.getByTestId("rejected-notice")
  await expect(notice).toContainText("adding “reject me”")
  const said = await notice.boundingBox()
  expect((await todo.row("one").boundingBox())?.y).toBeGreaterThan((said?.y ?? 0) + (said?.height ?? 0))
  // The field is where it was, and the box for all of them beside it.
  expect((await todo.input.boundingBox())?.y).toBe(fieldTop)
  expect((await chevron.boundingBox())?.y).toBe(boxTop)
  await notice.getByRole("button").click()
  const name = page.getByTestId("list-name")
  await name.fill("reject me")
  await name.press("Enter")
  await expect(notice).toContainText("the list's new name")
  const ofName = await notice.boundingBox()
  const heading = await page.getByRole("heading", { name: "todos" }).boundingBox()
  expect(heading?.y).toBeGreaterThan((ofName?.y ?? 0) + (ofName?.height ?? 0))
})

test("a shared list has its picture from where it is served; a page that is not there leads on", async ({ page }) => {
  const list = await page.request.get(newListUrl(server.url), {
    headers: { "X-Forwarded-Host": "lists.example", "X-Forwarded-Proto": "https" },
  })
  expect(await list.text()).toContain('<meta property="og:image" content="https://lists.example/')
  for (const path of ["/l/x", "/", "/lists", "/docs"]) {
    await page.goto(`${server.url}${path}`)
    const address = await page.locator('meta[property="og:image"]').getAttribute("content")
    const url = new URL(address ?? "", page.url())
    expect(url.origin).toBe(server.url)
    expect((await page.request.get(url.href)).headers()["content-type"]).toBe("image/png")
  }
  await page.goto(`${server.url}/nowhere`)
  await expect(page).toHaveTitle("Nothing here")
  for (const href of ["/", "/docs", "/list", "/lists"])
    await expect(page.locator(`main a[href="${href}"]`)).toHaveCount(1)
  await page.goto(`${server.url}/l/no+list`)
  await expect(page).toHaveTitle("This is not a list")
})

test("a row that another user takes away gives back what one typed into it, and no key reaches another row", async ({
  browser,
}) => {
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  const b = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  const edit = a.page.getByTestId("todo-edit")
  const typeOn = async () => {
    await a.page.keyboard.type("milk and eggs ")
    await a.page.keyboard.press("Enter")
  }
  await a.add("one", "two", "three", "four")
  await b.shows(["one", "two", "three", "four"])
  await a.page.getByRole("link", { name: "Active" }).click()

  // Ticked: what was typed until then is the row's new title.
  await a.row("two").getByTestId("todo-title").dblclick()
  await edit.fill("two and a half")
  await b.toggle("two")
  await expect(edit).toHaveCount(0)
  const next = a.row("three")
  await expect(next).toBeFocused()
  await expect(next).toHaveCSS("outline-style", "solid")
  await typeOn()
  await a.shows(["one", "three", "four"])
  await expect(a.page.getByRole("checkbox", { checked: true })).toHaveCount(0)
  await expect(b.row("two and a half")).toHaveClass(/completed/)
  // It comes back as a row like others.
  await b.toggle("two and a half")
  await a.shows(["one", "two and a half", "three", "four"])
  await expect(edit).toHaveCount(0)

  // Deleted: what was typed comes back.
  await a.row("three").getByTestId("todo-title").dblclick()
  await edit.fill("three wise men")
  await b.remove("three")
  await expect(a.row("four")).toBeFocused()
  await typeOn()
  await a.shows(["one", "two and a half", "four"])
  await expect(a.page.getByRole("textbox", { name: "What you had typed" })).toHaveValue("three wise men")
  await a.page.getByRole("button", { name: "Dismiss" }).press("Enter")
  await expect(a.page.getByTestId("lost-notice")).toHaveCount(0)

  // A checkbox with the focus: a Space under way ticks no neighbour. And the last row of all.
  await a.row("one").getByRole("checkbox").focus()
  await a.page.keyboard.press("Shift")
  await b.toggle("one")
  await expect(a.row("two and a half")).toBeFocused()
  await a.page.keyboard.press("Space")
  await a.shows(["two and a half", "four"])
  await a.row("four").getByTestId("todo-title").dblclick()
  await edit.press("End")
  await b.page.getByRole("checkbox", { name: "Mark all as complete" }).press("Space")
  await b.page.getByRole("button", { name: "Clear completed" }).click()
  await expect(a.page.getByRole("main", { name: "Todo list" })).toBeFocused()
  await expect(a.page.locator(".todoapp")).toHaveCSS("outline-style", "solid")
  await typeOn()
  await a.shows([])
})

test("what is pasted and too long is cut with a word; a title that one cannot see is none", async ({ page }) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"])
  await page.evaluate(() => navigator.clipboard.writeText("x".repeat(201)))
  await todo.input.press("Control+v")
  await expect(todo.input).toHaveValue("x".repeat(200))
  await expect(page.locator("#new-todo-cut")).toHaveText(/200 letters at most/)
  await expect(todo.input).toHaveAccessibleDescription(/200 letters at most/)
  await todo.input.press("Backspace")
  await expect(page.locator("#new-todo-cut")).toBeEmpty()
  for (const title of ["\u200b\u2060 \u200b", "\u00ad\ufe0f"]) {
    await todo.input.fill(title)
    await todo.input.press("Enter")
  }
  await todo.add("\u200bseen")
  await expect(todo.titles).toHaveCount(1)
})

test("a link that the browser does not copy is selected, and the page says so", async ({ page }) => {
  await page.addInitScript(() => {
    Clipboard.prototype.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"))
  })
  await TodoPage.open(page, newListUrl(server.url))
  await page.getByRole("button", { name: "Share" }).click()
  const dialog = page.getByRole("dialog", { name: "Share this list" })
  await dialog.getByRole("button", { name: "Copy" }).click()
  await expect(dialog.getByText("The link is selected")).toBeInViewport({ ratio: 1 })
  await expect(dialog.getByRole("status", { name: "Sharing" })).toContainText("copy it with the keyboard")
  expect(await page.evaluate(() => getSelection()?.toString())).toBe(page.url())
})

test("a list prints its todos, all of them, and nothing that is there to be used", async ({ page }) => {
  const todo = await TodoPage.open(page, newListUrl(server.url))
  await todo.add("one", "two")
  await page.emulateMedia({ media: "print" })
  for (const part of [".switch", ".share", ".new-todo", ".filters", ".info", ".destroy", ".toolbar-link"])
    await expect(page.locator(part).first()).toBeHidden()
  await expect(todo.titles.first()).toBeVisible()
})

test("the index marks the lists that are not sent, and sends them; what is removed from it can come back", async ({
  browser,
  page,
}) => {
  const [url, other] = [newListUrl(server.url), newListUrl(server.url)]
  const todo = await TodoPage.open(page, url)
  await todo.add("one")
  await todo.isSynced()
  await page.getByTestId("offline-switch").click()
  await todo.add("two", "three")
  await page.goto(`${server.url}/lists`)
  await expect(page.getByText("2 unsent")).toBeVisible()
  await page.getByRole("button", { name: /^Remove one/ }).press("Enter")
  await expect(page.getByTestId("removed-notice")).toContainText("2 changes of it will be sent when you are online.")
  await page.getByRole("button", { name: "Undo" }).press("Enter")
  await expect(page.getByRole("link", { name: "one, two, three" })).toBeFocused()
  await expect(page.getByTestId("removed-notice")).toHaveCount(0)

  // Online, with another list open: it is sent from there; and from the index.
  await TodoPage.open(page, other)
  await page.getByTestId("offline-switch").click()
  const far = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await far.shows(["one", "two", "three"])
  await TodoPage.open(page, url)
  await page.getByTestId("offline-switch").click()
  await todo.add("four")
  await page.goto(`${server.url}/lists`)
  await expect(page.getByText("1 unsent")).toBeVisible()
  const second = await TodoPage.open(await page.context().newPage(), other)
  await second.page.getByTestId("offline-switch").click()
  await far.shows(["one", "two", "three", "four"])
  await expect(page.getByText("unsent")).toHaveCount(0)
})
