import { expect } from "@playwright/test"
import { isAxeClean } from "./axe.ts"
import { Server } from "./server.ts"
import { test } from "./test.ts"

test("the documentation is read by its sidebar, by keys and on a phone; other addresses are not found", async ({
  browser,
}) => {
  await using server = await Server.start()
  const page = await (await browser.newContext({ colorScheme: "dark" })).newPage()
  const errors: string[] = []
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text())
  })

  await page.goto(`${server.url}/docs`)
  await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name: "Queries" }).click()
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Queries")
  await expect(page.locator("pre.shiki").first()).toContainText("useQuery")
  await page.getByRole("navigation", { name: "On this page" }).getByRole("link", { name: "Budgets" }).click()
  await expect(page.getByRole("heading", { name: "Budgets" })).toBeInViewport()
  await page.getByRole("link", { name: /^Next/ }).click()
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Inputs")

  await page.goto(`${server.url}/docs/errors`)
  await page.keyboard.press("Tab")
  await page.keyboard.press("Enter")
  await expect(page.getByRole("main")).toBeFocused()

  await page.setViewportSize({ width: 390, height: 844 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
  await page.getByText("Pages", { exact: true }).click()
  await page.getByRole("navigation", { name: "Pages, folded" }).getByRole("link", { name: "Concepts" }).click()
  await expect(page.getByRole("img", { name: /^Tabs post calls/ })).toHaveJSProperty("complete", true)

  await page.setViewportSize({ width: 375, height: 780 })
  await page.emulateMedia({ reducedMotion: "reduce" })
  for (const name of ["tracker", "performance", "devtools", "concepts"]) {
    await page.goto(`${server.url}/docs/${name}`)
    await isAxeClean(page, `the pictures of ${name} on a phone`)
  }

  for (const path of ["/llms.txt", "/llms-full.txt"]) expect((await fetch(`${server.url}${path}`)).status).toBe(200)
  expect(errors).toEqual([])
  const missing = await page.goto(`${server.url}/docs/nothing`)
  expect(missing?.status()).toBe(404)
  await expect(page.getByText("There is no such page.")).toBeVisible()
})
