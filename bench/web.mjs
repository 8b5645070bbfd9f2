// Chromium on a page with the real hooks, the real SharedWorker and the real server.
import { copyFileSync, cpSync, mkdirSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { chromium } from "@playwright/test"
import { build } from "esbuild"
import { startServer, temporaryDirectory } from "./server.mjs"

const CHROMIUM = process.env.LF_CHROMIUM_PATH ?? "/usr/bin/chromium"
const CHROMIUM_ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
]
const CALL_MS_MAX = 60_000
const SCRIPTS = ["page.mjs", "worker.mjs", "floor.mjs", "first-sync.mjs", "replicache.mjs", "powersync.mjs"]
const WASM = "wa-sqlite/dist/wa-sqlite.wasm"
const source = fileURLToPath(new URL("./web/", import.meta.url))

/**
 * A server with a document of so many rows, and a browser with an empty profile. `page` opens a page in it; `close` ends all.
 * What a page throws rejects `page` or `close`.
 */
export async function openBrowser(rows) {
  const site = await openSite()
  await site.server.ask("seed", { docId: "doc", rows })
  const profile = await site.openProfile()
  return {
    server: site.server,
    page: profile.page,
    async close() {
      await profile.close()
      await site.close()
    },
  }
}

/** A server with the pages and no document. `openProfile` starts a browser that has stored nothing. */
export async function openSite() {
  const { directory, remove } = temporaryDirectory()
  const site = join(directory, "site")
  await bundle(site)
  const server = await startServer(join(directory, "lf"), site)
  return {
    server,
    openProfile: () => openProfile(`http://localhost:${server.port}`),
    async close() {
      await server.stop()
      remove()
    },
  }
}

async function openProfile(origin) {
  const { directory, remove } = temporaryDirectory()
  const errors = []
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: CHROMIUM,
    args: CHROMIUM_ARGS,
    headless: true,
  })
  return {
    async page(path) {
      const page = await context.newPage()
      page.on("pageerror", (error) => errors.push(error))
      await page.goto(`${origin}${path}`)
      if (errors.length > 0) throw errors[0]
      return page
    },
    /** The processes that run pages and their workers. */
    async rendererPids() {
      const session = await context.browser().newBrowserCDPSession()
      const { processInfo } = await session.send("SystemInfo.getProcessInfo")
      await session.detach()
      return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id)
    },
    async close() {
      await context.close()
      remove()
      if (errors.length > 0) throw errors[0]
    },
  }
}

/** Calls a function of the page's `window.bench`. Rejects with what the page throws meanwhile, and after CALL_MS_MAX. */
export function call(page, name, ...args) {
  const thrown = page.waitForEvent("pageerror", { timeout: CALL_MS_MAX }).then((error) => Promise.reject(error))
  return Promise.race([page.evaluate(([name, args]) => window.bench[name](...args), [name, args]), thrown])
}

async function bundle(site) {
  await build({
    bundle: true,
    format: "esm",
    logLevel: "warning",
    entryPoints: SCRIPTS.map((name) => join(source, name)),
    outdir: site,
    minify: true,
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
    // The wasm's loader names `module` where it runs in Node; the browser never asks.
    external: ["module", "node:*"],
  })
  // esbuild leaves the wasm's URL as it is.
  mkdirSync(dirname(join(site, WASM)), { recursive: true })
  copyFileSync(createRequire(import.meta.url).resolve(WASM), join(site, WASM))
  // PowerSync's worker is bundled already, with the wasm beside it.
  cpSync(dirname(fileURLToPath(import.meta.resolve("@powersync/web/bundled_worker"))), join(site, "powersync"), {
    recursive: true,
  })
}
