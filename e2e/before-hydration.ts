import type { Page } from "@playwright/test"

/** Shows the server's HTML and holds its scripts back until the returned function is called, as a slow network does. */
export async function beforeHydration(page: Page, url: string): Promise<() => Promise<void>> {
  let arrive = () => {}
  const arrival = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const scripts = "**/*.js*"
  await page.route(scripts, async (route) => {
    await arrival
    await route.continue()
  })
  await page.goto(url, { waitUntil: "commit" })
  return async () => {
    arrive()
    await page.unrouteAll({ behavior: "wait" })
  }
}
