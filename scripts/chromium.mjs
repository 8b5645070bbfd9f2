// Finds the browser for the end-to-end tests, or installs it.
import { existsSync } from "node:fs"
import { run, say } from "./run.mjs"

const names = ["chromium", "chromium-browser", "google-chrome"]

/** The path of a Chromium, or undefined for the one that Playwright brings itself. */
export async function findChromium() {
  const asked = process.env.LF_CHROMIUM
  if (asked) {
    if (!existsSync(asked)) throw new Error(`LF_CHROMIUM is ${asked}, but there is no such file.`)
    return asked
  }
  const found = await which()
  if (found) return found

  const isRoot = process.getuid?.() === 0
  if (isRoot && existsSync("/etc/debian_version")) {
    say("installing Chromium (apt-get install chromium)")
    await run("apt-get", ["update", "-q"])
    const env = { DEBIAN_FRONTEND: "noninteractive" }
    const { code } = await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", "chromium"], { env })
    const installed = code === 0 ? await which() : undefined
    if (installed) return installed
  }

  say("installing Chromium (npx playwright install chromium)")
  const { code } = await run("npx", ["playwright", "install", "chromium"])
  if (code === 0) return undefined
  throw new Error(
    "No Chromium was found and none could be installed: install one (on Debian: apt-get install chromium) or set LF_CHROMIUM to its path.",
  )
}

async function which() {
  for (const name of names) {
    const { code, output } = await run("sh", ["-c", `command -v ${name}`], { quiet: true })
    const path = output.trim()
    if (code === 0 && path) return path
  }
  return undefined
}
