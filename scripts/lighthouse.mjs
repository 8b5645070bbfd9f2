// npm run lighthouse: what Lighthouse says of the demo's pages on a desktop and on a phone, each the median of three loads.
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findChromium } from "./chromium.mjs"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { chromiumFlags, freePort, untilReady } from "./packed-app.mjs"
import { root, say } from "./run.mjs"
import { buildServer, ensureApp, serverFile } from "./server.mjs"

const RUNS = 3
const pages = ["/", "/l/lighthouse", "/lists", "/docs"]
const forms = ["desktop", "mobile"]
const kinds = ["performance", "accessibility", "best-practices", "seo"]

await ensureInstalled()
await ensureInstalled(join(root, "scripts/lighthouse"))
await ensureBuilt()
await ensureApp()
await buildServer()

// From the folder of its own, whose packages are not the root's.
const from = (path) => import(join(root, "scripts/lighthouse/node_modules", path))
const { launch } = await from("chrome-launcher/dist/index.js")
const { default: lighthouse, desktopConfig } = await from("lighthouse/core/index.js")

const port = await freePort()
const dataDir = mkdtempSync(join(tmpdir(), "lf-lighthouse-"))
const env = { ...process.env, NODE_ENV: "production", PORT: String(port), LF_DATA_DIR: dataDir }
const server = spawn(process.execPath, [serverFile], { cwd: root, env, stdio: "ignore" })
const chromeFlags = ["--headless=new", ...chromiumFlags]
const chrome = await launch({ chromePath: (await findChromium()) ?? undefined, chromeFlags, logLevel: "silent" })
try {
  await untilReady(`http://localhost:${port}`)
  say(`${pages.length} pages, ${RUNS} loads each, on a desktop and on a phone`)
  process.stdout.write(`${row(["page", "form", "perf", "a11y", "best", "seo", "LCP s", "TBT ms", "CLS"])}\n`)
  for (const page of pages) {
    for (const form of forms) {
      const { numbers, missed } = await figures(page, form)
      process.stdout.write(`${row([page, form, ...numbers])}\n`)
      for (const title of missed) process.stdout.write(`    ${title}\n`)
    }
  }
} finally {
  chrome.kill()
  server.kill("SIGKILL")
  rmSync(dataDir, { recursive: true, force: true })
}

/** The median run's, by its performance. */
async function figures(page, form) {
  const runs = []
  for (let i = 0; i < RUNS; i++) {
    const url = `http://localhost:${port}${page}`
    const options = { port: chrome.port, output: "json", logLevel: "silent", onlyCategories: kinds }
    const config = form === "desktop" ? desktopConfig : undefined
    runs.push((await lighthouse(url, options, config)).lhr)
  }
  runs.sort((a, b) => a.categories.performance.score - b.categories.performance.score)
  const { categories, audits } = runs[Math.floor(RUNS / 2)]
  // What costs points besides speed, which has its own figures.
  const missed = kinds
    .filter((kind) => kind !== "performance")
    .flatMap((kind) => categories[kind].auditRefs)
    .map(({ id, weight }) => ({ ...audits[id], weight }))
    .filter(({ score, weight }) => weight > 0 && score !== null && score < 1)
    .map(({ title, details }) => [title, ...descriptionsOf(details)].join(": "))
  const numbers = [
    ...kinds.map((kind) => Math.round(categories[kind].score * 100)),
    (audits["largest-contentful-paint"].numericValue / 1000).toFixed(1),
    Math.round(audits["total-blocking-time"].numericValue),
    audits["cumulative-layout-shift"].numericValue.toFixed(3),
  ]
  return { numbers, missed }
}

/** What an audit says of its first finding. */
function descriptionsOf(details) {
  const first = details?.items?.[0]
  return first === undefined ? [] : [String(first.description ?? first.node?.snippet ?? first.url ?? "").slice(0, 200)]
}

function row([page, form, ...numbers]) {
  return `  ${page.padEnd(14)} ${form.padEnd(8)} ${numbers.map((one) => String(one).padStart(6)).join(" ")}`
}
