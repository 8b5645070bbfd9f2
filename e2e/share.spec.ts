import { expect } from "@playwright/test"
import { Server } from "./server.ts"
import { test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

let server: Server
test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(() => server[Symbol.asyncDispose]())

test("scene 1: edits in one browser appear in the other; concurrent edits converge", async ({ browser }) => {
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  const b = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await a.add("milk", "bread")
  await b.shows(["milk", "bread"])
  await b.rename("milk", "oat milk")
  await a.shows(["oat milk", "bread"])
  await a.toggle("bread")
  await expect(b.row("bread")).toHaveClass(/completed/)
  await b.remove("oat milk")
  await a.shows(["bread"])

  await Promise.all([a.add("a1", "a2", "a3"), b.add("b1", "b2", "b3")])
  await Promise.all([a.rename("bread", "rye"), b.rename("bread", "wheat")])
  await Promise.all([a.isSynced(), b.isSynced()])
  await expect.poll(async () => (await a.titles.allTextContents()).length).toBe(7)
  await expect
    .poll(
      async () => JSON.stringify(await a.titles.allTextContents()) === JSON.stringify(await b.titles.allTextContents()),
    )
    .toBe(true)
})

test("scene 2: five tabs share one worker and one database; any of them may close at any moment", async ({
  browser,
}) => {
  const context = await browser.newContext()
  const url = newListUrl(server.url)
  const tabs: TodoPage[] = []
  for (let i = 0; i < 5; i++) tabs.push(await TodoPage.open(await context.newPage(), url))
  await tabs[0].add("one")
  for (const tab of tabs) await tab.shows(["one"])
  const databases = await tabs[0].page.evaluate(async () => (await indexedDB.databases()).length)
  expect(databases).toBe(1)
  const held = await tabs[0].page.evaluate(
    async () => (await navigator.locks.query()).held?.map((lock) => lock.name) ?? [],
  )
  expect(held.filter((name) => name?.startsWith("lf/1/owner/"))).toHaveLength(1)
  await tabs[0].page.close()
  await tabs[1].add("two")
  await Promise.all([tabs[1].page.close(), tabs[2].add("three")])
  await tabs[2].page.close()
  for (const tab of tabs.slice(3)) await tab.shows(["one", "two", "three"])
  await tabs[3].isSynced()
})

test("scene 6: what the server rejects disappears, is reported once, and later ones stand", async ({ browser }) => {
  const context = await browser.newContext()
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await context.newPage(), url)
  await a.add("before")
  await a.input.fill("reject me")
  await a.input.press("Enter")
  await a.input.fill("after")
  await a.input.press("Enter")
  await a.shows(["before", "after"])
  const notice = a.page.getByTestId("rejected-notice")
  await expect(notice).toContainText("reject me")
  // It is said right below the field that it concerns.
  await expect(a.input).toHaveAccessibleDescription(/reject me/)
  const field = await a.input.boundingBox()
  const said = await notice.boundingBox()
  expect(Math.abs((said?.y ?? 0) - (field?.y ?? 0) - (field?.height ?? 0))).toBeLessThan(30)
  await notice.getByRole("button").click()
  await expect(notice).toHaveCount(0)
  await a.page.reload()
  await a.shows(["before", "after"])
  await a.isSynced()
  await expect(a.page.getByTestId("rejected-notice")).toHaveCount(0)
})

test("a name that the server rejects is said below it, and gives way to the one before (H7)", async ({ browser }) => {
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(server.url))
  const name = a.page.getByTestId("list-name")
  await name.fill("Groceries")
  await name.press("Enter")
  await a.isSynced()
  await name.fill("reject me")
  await name.press("Enter")
  const notice = a.page.getByTestId("rejected-notice")
  await expect(notice).toContainText("the list's new name “reject me”")
  await expect(name).toHaveAccessibleDescription(/reject me/)
  await expect(name).toHaveValue("Groceries")
  const [field, said] = [await name.boundingBox(), await notice.boundingBox()]
  expect(Math.abs((said?.y ?? 0) - (field?.y ?? 0) - (field?.height ?? 0))).toBeLessThan(30)
  await notice.getByRole("button").click()
  await expect(notice).toHaveCount(0)
})

test("focus, caret and half-typed text survive a rebase", async ({ browser }) => {
  const url = newListUrl(server.url)
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  const b = await TodoPage.open(await (await browser.newContext()).newPage(), url)
  await a.add("first")
  await b.shows(["first"])
  await b.row("first").getByTestId("todo-title").dblclick()
  const edit = b.page.getByTestId("todo-edit")
  await edit.fill("first and more")
  await edit.evaluate((input: HTMLInputElement) => input.setSelectionRange(5, 9))
  await a.add("second")
  await a.rename("first", "changed elsewhere")
  await expect(b.titles).toHaveCount(2)
  await expect(edit).toBeFocused()
  expect(
    await edit.evaluate((input: HTMLInputElement) => [input.value, input.selectionStart, input.selectionEnd]),
  ).toEqual(["first and more", 5, 9])
})
