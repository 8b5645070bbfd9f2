import { expect } from "@playwright/test"
import { chromiumPath, Profile } from "./browser.ts"
import { mainFile, rowsOf, sqlite } from "./main-file.ts"
import { observePorts, Promises } from "./observer.ts"
import { Server } from "./server.ts"
import { soak, test } from "./test.ts"
import { newListUrl, TodoPage } from "./todo-page.ts"

test("scene 4: a mutation resolved right before a kill is there after the restart, sent once", soak, async () => {
  await using server = await Server.start()
  await using profile = new Profile(chromiumPath())
  const url = newListUrl(server.url)
  let context = await profile.start()
  await observePorts(context)
  const promises = new Promises()
  let a = await TodoPage.open(await context.newPage(), url)
  await a.add("synced")
  await a.isSynced()
  promises.listen(a.page)
  await a.page.getByTestId("offline-switch").click()
  for (let i = 1; i <= 3; i++) {
    await a.add(`kept ${i}`)
    await expect(a.pending).toHaveText(String(i))
  }
  await expect.poll(() => [...promises.kept]).toEqual(["kept 1", "kept 2", "kept 3"])
  await profile.kill()
  context = await profile.start()
  a = await TodoPage.open(await context.newPage(), url)
  await a.shows(["synced", "kept 1", "kept 2", "kept 3"])
  if ((await a.page.getByTestId("offline-switch").getAttribute("aria-checked")) === "true") {
    await a.page.getByTestId("offline-switch").click()
  }
  await a.isSynced()
  await server.stop("SIGTERM")
  expect(rowsOf(server.dataDir)).toEqual(["synced", "kept 1", "kept 2", "kept 3"])
})

test("scene 5: after SIGKILL under load from three browsers nothing is lost or doubled", soak, async ({ browser }) => {
  test.setTimeout(120_000)
  await using server = await Server.start()
  const url = newListUrl(server.url)
  const pages: TodoPage[] = []
  for (let i = 0; i < 3; i++) pages.push(await TodoPage.open(await (await browser.newContext()).newPage(), url))
  const load = async (todo: TodoPage, name: string) => {
    for (let i = 0; i < 12; i++) {
      await todo.input.fill(`${name}${i}`)
      await todo.input.press("Enter")
      await expect(todo.titles.filter({ hasText: new RegExp(`^${name}${i}$`) })).toBeVisible()
    }
  }
  const work = Promise.all(pages.map((todo, i) => load(todo, "abc"[i])))
  for (let i = 0; i < 3; i++) {
    await expect.poll(async () => (await pages[0].titles.count()) > i * 8, { timeout: 30_000 }).toBe(true)
    await server.stop("SIGKILL")
    await server.start()
  }
  await work
  // Had all been done before the last kill, no browser would have had to come back.
  await pages[0].add("last")
  const written = ["a", "b", "c"].flatMap((name) => Array.from({ length: 12 }, (_, i) => `${name}${i}`))
  const expected = [...written, "last"].sort()
  for (const todo of pages) {
    await todo.isSynced()
    await expect.poll(async () => (await todo.titles.allTextContents()).sort(), { timeout: 30_000 }).toEqual(expected)
  }
  await server.stop("SIGTERM")
  expect(rowsOf(server.dataDir).sort()).toEqual(expected)
})

test("scene 10: main.db is a database that the sqlite3 shell opens, whole and with the rows", async ({ browser }) => {
  await using server = await Server.start()
  const a = await TodoPage.open(await (await browser.newContext()).newPage(), newListUrl(server.url))
  await a.add("one", "two")
  await a.isSynced()
  await server.stop("SIGTERM")
  const file = mainFile(server.dataDir)
  expect(sqlite(file, "pragma integrity_check")).toEqual(["ok"])
  expect(rowsOf(server.dataDir)).toEqual(["one", "two"])
})
