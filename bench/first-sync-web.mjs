// A document into Chromium that has nothing of it, through the SharedWorker, from its first render to its rows; against a WebSocket
// that carries the same bytes into the same page; and the memory of the browser's renderers, which run the page and the worker.
// The server has sent it to another client before.
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { median, row } from "./measure.mjs"
import { memory, restartHighest } from "./memory.mjs"
import { startBareServer, startChild } from "./server.mjs"
import { call, openSite } from "./web.mjs"

const clientScript = fileURLToPath(new URL("./client-process.mjs", import.meta.url))
const MB = 1_000_000
const ROWS_12_MB = 83_000
/** One todo in each list. */
const SMALL_ROWS = 1_000
const STORED_MS = 1_000

export async function run({ quick }) {
  const bare = await startBareServer()
  try {
    const small = await measure({ rows: ROWS_12_MB, rounds: quick ? 1 : 5, bare })
    return quick ? small : [...small, ...(await measure({ rows: ROWS_12_MB * 10, rounds: 3, bare }))]
  } finally {
    await bare.stop()
  }
}

async function measure({ rows, rounds, bare }) {
  const site = await openSite()
  try {
    await site.server.ask("seed", { docId: "small", rows: SMALL_ROWS })
    await site.server.ask("seed", { docId: "doc", rows })
    // From here on the server has what it sends: it is compressed for the first client.
    const bytes = await bytesOf(site.server.url, rows)
    const measured = []
    for (let round = 0; round < rounds; round++) measured.push(await syncOnce({ site, bare, rows, bytes }))
    const figure = (own, peer) => ({
      value: median(measured.map(own)),
      peerValue: median(measured.map(peer)),
      n: rounds,
    })
    const perSecond = (ms) => bytes / MB / (ms / 1_000)
    const speed = figure(
      ({ syncMs }) => perSecond(syncMs),
      ({ downloadMs }) => perSecond(downloadMs),
    )
    const size = figure(
      ({ memoryBytes }) => memoryBytes / MB,
      () => bytes / MB,
    )
    const variant = `${Math.round(bytes / MB)} MB`
    return [
      row("first-sync-web", `${variant}, Chromium`, "MB/s", speed, "raw WebSocket", ">= 0.25"),
      row("first-sync-web", `${variant}, memory of the renderers`, "MB", size, "the document", "<= 2.5"),
    ]
  } finally {
    await site.close()
  }
}

/** In a browser of its own, which has stored nothing. */
async function syncOnce({ site, bare, rows, bytes }) {
  const profile = await site.openProfile()
  try {
    const page = await profile.page("/first-sync")
    await call(page, "ready")
    const pids = await profile.rendererPids()
    const sum = (values) => values.reduce((total, value) => total + value, 0)
    const before = sum(pids.map((pid) => restartHighest(pid).rss))
    const syncMs = await call(page, "sync", "doc", rows)
    const found = await call(page, "count")
    // The worker stores the document after its rows are shown.
    await sleep(STORED_MS)
    const memoryBytes = sum(pids.map((pid) => memory(pid).rssMax)) - before
    if (found !== rows) throw new Error(`the page has ${found} rows of ${rows}`)
    const downloadMs = await call(page, "download", bare.port, bytes)
    return { syncMs, downloadMs, memoryBytes }
  } finally {
    await profile.close()
  }
}

/** What the document has, as a client in Node got it. */
async function bytesOf(url, rows) {
  const client = await startChild({ script: clientScript, args: [] })
  try {
    const synced = await client.ask("sync", { url, docId: "doc" })
    if (synced.rows !== rows) throw new Error(`the client has ${synced.rows} rows of ${rows}`)
    return synced.bytes
  } finally {
    await client.stop()
  }
}
