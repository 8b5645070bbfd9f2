import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { sql } from "@lf/core"
import { replayBug } from "@lf/react/testing"
import { type Page, expect as usualExpect } from "@playwright/test"
import { mutator } from "./inputs/items.ts"
import { InputsServer } from "./inputs.ts"
import { test } from "./test.ts"

// The devtools in a real browser, on a page and a worker that are bundled for development.

/** The panel asks every 400 ms, and loads its part of the bundle first. */
const expect = usualExpect.configure({ timeout: 15_000 })

let server: InputsServer
test.beforeAll(async () => {
  server = await InputsServer.start("development")
})
test.afterAll(() => server[Symbol.asyncDispose]())

async function open(page: Page, doc: string): Promise<void> {
  await server.fill({ doc, count: 3, title: "item" })
  await page.goto(`${server.url}/?doc=${doc}`)
  await expect(page.getByLabel("title 1")).toBeVisible()
  // The devtools are a part of the bundle that is loaded after the page: their shortcut works from then on.
  await expect(page.getByRole("button", { name: "Open lf devtools" })).toBeVisible()
}

test("an edit shows why a query ran, SQL runs, and an exported bug is replayed in Node", async ({ page }) => {
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(error.message))
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()))
  await open(page, "one")
  await page.keyboard.press("Control+Shift+L")
  const panel = page.getByRole("region", { name: "lf devtools" })
  await expect(panel.getByRole("article", { name: "Document one" })).toContainText("connected")
  await panel.getByRole("tab", { name: "Queries" }).click()
  await page.getByLabel("title 2").fill("renamed")
  await expect(panel.getByText(/ran last because table items changed \(1 page\)/)).toBeVisible()
  await panel.getByRole("tab", { name: "Tables" }).click()
  await panel.getByRole("textbox", { name: "SQL" }).fill("select title from items where id = 2")
  await page.keyboard.press("Control+Enter")
  await expect(panel.getByRole("table", { name: "Result" })).toContainText("renamed")
  await panel.getByRole("tab", { name: "Bug" }).click()
  await panel.getByRole("checkbox").check()
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    panel.getByRole("button", { name: "Save the file" }).click(),
  ])
  await using bug = await replayBug(readFileSync(await download.path(), "utf8"), { mutator })
  const titles = await bug.query(sql<{ title: string }>`select title from items order by id`)
  expect(titles.map(({ title }) => title)).toEqual(["item", "renamed", "item"])
  await page.keyboard.press("Escape")
  await expect(panel).toHaveCount(0)
  expect(errors).toEqual([])
})

test("the panel changes nothing of the page's layout, also on a phone, and has its own dark colours", async ({
  browser,
}) => {
  const size = { width: 390, height: 800 }
  const page = await (await browser.newContext({ viewport: size, colorScheme: "dark" })).newPage()
  await open(page, "two")
  const layout = () =>
    page.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement
      const boxes = Array.from(document.querySelectorAll("#root *"), (one) => one.getBoundingClientRect().toJSON())
      return { scrollWidth, scrollHeight, boxes }
    })
  const before = await layout()
  await page.getByRole("button", { name: "Open lf devtools" }).click()
  const panel = page.getByRole("region", { name: "lf devtools" })
  await expect(panel.getByRole("article")).toBeVisible()
  for (const view of ["Documents", "Tables", "Queries", "Mutations", "Connection", "Bug"]) {
    await panel.getByRole("tab", { name: view }).click()
    expect(await layout()).toEqual(before)
  }
  expect(await panel.evaluate((one) => [one.scrollWidth <= innerWidth, getComputedStyle(one).backgroundColor])).toEqual(
    [true, "rgb(23, 25, 29)"],
  )
})

test("the demo as it is built for production has nothing of the devtools", () => {
  const scripts = readdirSync(".next/static", { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".js"),
  )
  expect(scripts.length).toBeGreaterThan(5)
  const marks = ["Export this bug", "lf-bug", "got one that is not open yet"]
  const texts = scripts.map((path) => readFileSync(join(".next/static", path), "utf8"))
  expect(marks.filter((mark) => texts.some((text) => text.includes(mark)))).toEqual([])
})
