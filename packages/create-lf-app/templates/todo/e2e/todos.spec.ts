import { expect, type Page, test } from "@playwright/test"

async function add(page: Page, title: string) {
  await page.getByLabel("New todo").fill(title)
  await page.getByLabel("New todo").press("Enter")
}

test("two browsers see each other's changes", async ({ browser }) => {
  const ada = await (await browser.newContext()).newPage()
  await ada.goto("/")
  await ada.waitForURL("**/l/*")
  await add(ada, "milk")
  const ben = await (await browser.newContext()).newPage()
  await ben.goto(ada.url())
  await expect(ben.getByTestId("todo-title")).toHaveText(["milk"])
  await ben.getByRole("checkbox", { name: "milk" }).click()
  await expect(ada.getByRole("checkbox", { name: "milk" })).toBeChecked()
  await add(ben, "bread")
  await expect(ada.getByTestId("todo-title")).toHaveText(["milk", "bread"])
})

test("a hard reload offline opens the list, with an empty HTTP cache", async ({ context, page }) => {
  await page.goto("/")
  await add(page, "milk")
  await expect(page.getByTestId("pending-count")).toHaveText("0")
  await page.evaluate(() => navigator.serviceWorker.ready)
  const cdp = await context.newCDPSession(page)
  await cdp.send("Network.clearBrowserCache")
  await context.setOffline(true)
  await page.reload()
  await expect(page.getByTestId("todo-title")).toHaveText(["milk"])
  await add(page, "bread")
  await expect(page.getByTestId("todo-title")).toHaveText(["milk", "bread"])
})
