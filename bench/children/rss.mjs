// node --expose-gc children/rss.mjs ours|tanstack <rows>: prints the memory of a process that shows one list of a document.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const [engine, count] = process.argv.slice(2)
const rows = Number(count)

/** The document is made by another process: what making it takes is not what having it takes. */
async function ours() {
  const { openLfFrom } = await import("../peers/lf.mjs")
  const { persistInChild } = await import("../stored.mjs")
  const directory = await mkdtemp(join(tmpdir(), "lf-bench-"))
  await persistInChild(directory, rows)
  const { openFsLog } = await import("../../packages/next/dist/node/fs-log.js")
  const opened = await openLfFrom(await openFsLog(directory))
  return { ...opened, done: () => rm(directory, { recursive: true }) }
}

async function tanstack() {
  const { openTanStack } = await import("../peers/tanstack.mjs")
  return { ...(await openTanStack(rows)), done: () => {} }
}

const opened = await (engine === "ours" ? ours() : tanstack())
for (let i = 0; i < 3; i++) {
  globalThis.gc()
  await new Promise((resolve) => setTimeout(resolve, 50))
}
const rssBytes = process.memoryUsage.rss()
const shown = opened.titles().length
await opened.close()
await opened.done()
process.stdout.write(JSON.stringify({ rssBytes, shown }))
