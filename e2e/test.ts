import { test as playwrightTest } from "@playwright/test"

/** Playwright's, and each test closes what it opened: pages left behind would take the processor from the next tests. */
export const test = playwrightTest.extend<{ closesContexts: null }>({
  closesContexts: [
    async ({ browser }, use) => {
      const before = new Set(browser.contexts())
      await use(null)
      await Promise.all(browser.contexts().map((context) => (before.has(context) ? undefined : context.close())))
    },
    { auto: true },
  ],
})

/** For a member of a family of which `npm test` runs another one: `npm run soak` runs it. */
export const soak = { tag: "@soak" }

export function soakUnless(isSample: boolean): { tag?: string } {
  return isSample ? {} : soak
}
