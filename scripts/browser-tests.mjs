// The end-to-end tests in every browser that is there, for npm test and npm run soak.
import { findBrowsers } from "./browsers.mjs"
import { findChromium } from "./chromium.mjs"
import { bin, run, say } from "./run.mjs"

/** Finds or installs the browsers, and says what is missing: without Chromium the step fails. */
export async function browserTests(env = {}) {
  let chromium
  try {
    chromium = await findChromium()
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    return { name: "browser", code: 1, seconds: 0 }
  }
  const others = await findBrowsers()
  say(`end-to-end tests (playwright, ${[chromium ?? "its own Chromium", others.LF_ENGINES].join()})`)
  const done = await run(process.execPath, [...bin.playwright, "test"], {
    env: { LF_CHROMIUM_PATH: chromium ?? "", ...others, ...env },
  })
  return { name: "browser", ...done }
}
