import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "@playwright/test"
import type { ListTab } from "./list-tab.ts"
import type { Stage } from "./scenes.ts"

/** For `npm run media`: a list and the first page as this engine draws them, into `folder`. */
export async function pictures({ engine, server, profile }: Stage, folder: string): Promise<void> {
  const tab = await profile.open(`${server.url}/l/groceries`)
  for (const title of ["Bread", "Tomatoes", "Coffee"]) await tab.add(title)
  await tab.click('[data-testid="todo-item"] .toggle')
  await tab.isSynced()
  await shoot(tab, join(folder, `list-${engine.name.toLowerCase()}.png`))
  await tab.visit(server.url)
  const states = () =>
    tab.evaluate((css) => Array.from(document.querySelectorAll(css), (one) => one.textContent), "article [role=status]")
  await expect.poll(states, { timeout: 20_000 }).toEqual(["Online", "Online"])
  await shoot(tab, join(folder, `first-page-${engine.name.toLowerCase()}.png`))
}

async function shoot(tab: ListTab, path: string): Promise<void> {
  // Without a cursor, at rest.
  await tab.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
  }, null)
  await new Promise((resolve) => setTimeout(resolve, 500))
  await writeFile(path, await tab.picture())
}
