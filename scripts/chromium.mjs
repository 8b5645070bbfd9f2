// Finds the browser for the end-to-end tests, or installs it.
import { run, say } from "./run.mjs"
import { askedFor, installed, which } from "./tools.mjs"

/** The path of a Chromium, or undefined for the one that Playwright brings itself. */
export async function findChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"]
  const found = askedFor("LF_CHROMIUM") ?? (await which(...names)) ?? (await installed("chromium"))
  if (found !== undefined) return found

  say("installing Chromium (npx playwright install chromium)")
  const { code } = await run("npx", ["playwright", "install", "chromium"])
  if (code === 0) return undefined
  throw new Error(
    "No Chromium was found and none could be installed: install one (on Debian: apt-get install chromium) or set LF_CHROMIUM to its path.",
  )
}
