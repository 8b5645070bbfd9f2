import { expect, type Page, test } from "@playwright/test"

async function add(page: Page, text: string) {
  await page.getByLabel("New note").fill(text)
  await page.getByRole("button", { name: "Add" }).click()
}

test("two browsers see each other's notes", async ({ browser }) => {
  const [ada, ben] = await Promise.all([1, 2].map(async () => (await browser.newContext()).newPage()))
  await ada.goto("/")
  await ben.goto("/")
  await add(ada, "from Ada")
  await expect(ben.getByText("from Ada")).toBeVisible()
  await add(ben, "from Ben")
  await expect(ada.getByText("from Ben")).toBeVisible()
})

test("a hard reload offline opens the page, with an empty HTTP cache", async ({ context, page }) => {
  await page.goto("/")
  await add(page, "kept here")
  await expect(page.getByText("kept here")).toBeVisible()
  await page.evaluate(() => navigator.serviceWorker.ready)
  const cdp = await context.newCDPSession(page)
  await cdp.send("Network.clearBrowserCache")
  await context.setOffline(true)
  await page.reload()
  await expect(page.getByText("kept here")).toBeVisible()
})
