// An app as a user gets it: made by create-lf-app from the packages as they are published. For first-day.mjs, matrix.mjs and
// templates.mjs.
import { mkdirSync, readdirSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { pack } from "./packages.mjs"
import { npm, run, say } from "./run.mjs"

const READY_MS_MAX = 60_000

export const npmFlags = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]

export const chromiumFlags = ["--no-sandbox", "--disable-gpu", "--disable-quic"]

/** Packs the packages into a folder and fetches create-lf-app from there: both steps, and the command that makes an app. */
export async function fetchCreateLfApp(folder) {
  const [packs, tool] = ["packs", "tool"].map((name) => join(folder, name))
  mkdirSync(packs)
  say("pack")
  const packed = await pack(packs)
  const tarball = readdirSync(packs).find((file) => file.startsWith("create-lf-app-")) ?? ""
  say("fetch create-lf-app")
  const fetched = await run(npm, ["--prefix", tool, "install", join(packs, tarball), ...npmFlags], { quiet: true })
  const program = join(tool, "node_modules/create-lf-app/dist/bin.js")
  return {
    steps: [
      { name: "pack (not the user's)", ...packed },
      { name: "fetch create-lf-app", ...fetched },
    ],
    commandFor: (app, template) => [
      ...[process.execPath, program, app, "--template", template],
      ...["--yes", "--no-install", "--lf-from", packs],
    ],
  }
}

/** With what the app is developed with, whatever NODE_ENV is here. */
export function installCommand(app) {
  return [npm, "--prefix", app, "install", "--include=dev", ...npmFlags]
}

/** Waits for the app's health check. */
export async function untilReady(url) {
  const endMs = performance.now() + READY_MS_MAX
  while (!(await fetch(`${url}/api/lf`).catch(() => null))?.ok) {
    if (performance.now() > endMs) throw new Error(`${url}/api/lf does not answer`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
