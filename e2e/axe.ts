import { createRequire } from "node:module"
import { expect, type Page } from "@playwright/test"
import type { AxeResults, RunOptions } from "axe-core"

const { source } = createRequire(import.meta.url)("axe-core") as { readonly source: string }

const options: Readonly<Record<"light" | "dark", RunOptions>> = {
  // Every rule, the best practices too. The targets' size is a rule that axe leaves off.
  light: { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] },
  // What can differ: the document is the same.
  dark: { runOnly: ["color-contrast", "link-in-text-block"], resultTypes: ["violations"] },
}

/** Fails with the rules and the elements that axe objects to, in the light and in the dark scheme. */
export async function isAxeClean(page: Page, state: string): Promise<void> {
  await page.evaluate(source)
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations, passes, incomplete } = await page.evaluate(
      (wanted) => (globalThis as unknown as { axe: { run(options: unknown): Promise<AxeResults> } }).axe.run(wanted),
      options[colorScheme],
    )
    // What is over a dialog's backdrop has a contrast that axe does not work out.
    expect(passes.length + incomplete.length, `axe looks at ${state}`).toBeGreaterThan(0)
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
    )
    expect(found, `axe on ${state}, ${colorScheme}`).toEqual([])
  }
}
