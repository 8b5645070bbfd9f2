// A document of 1 GB: made at the server, closed with a checkpoint, opened again, one mutation on it, synced into a client in Node
// that has nothing, one live query of 100 rows there; time and peak memory (RSS) of each. Mutations may fill 960 MiB of a
// document, which is 1.007 GB, so this is the largest one; the client's memory includes its log, which is not on a disk.
// Against the same bytes on the disk or on a WebSocket, and a document of 13 MB.
import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { download } from "./first-sync.mjs"
import { median, row } from "./measure.mjs"
import { entryOf, RawClient } from "./raw-client.mjs"
import { startBareServer, startChild, startServer, temporaryDirectory } from "./server.mjs"
import { LISTS, todo } from "./todos.mjs"

const clientScript = fileURLToPath(new URL("./client-process.mjs", import.meta.url))
const MB = 1_000_000
const TITLE_BYTES = 1_900
/** Two rows a page, and their entries in two indexes. */
const ROWS_PER_MB = 468
/** A hundred in each list. */
const SMALL_ROWS = 100_000
/** In each document; the first ones warm up and do not count. */
const MUTATIONS = 30
const WARM = 10
const LIST = 7
const SHOWN_MAX = 100
const BLOCK_BYTES = 4 * 1024 * 1024

export async function run({ quick }) {
  const { directory, remove } = temporaryDirectory()
  try {
    return await measure({ directory, rows: ROWS_PER_MB * (quick ? 25 : 1_000), smallRows: SMALL_ROWS })
  } finally {
    remove()
  }
}

async function measure({ directory, rows, smallRows }) {
  const dataDir = join(directory, "lf")
  const made = await make({ dataDir, rows, smallRows })
  const { bytes } = made
  const results = []
  const size = `${Math.round(bytes / MB)} MB`
  const remember = (name, { rssMax }) => {
    const figure = { value: rssMax / MB, peerValue: bytes / MB, n: 1 }
    results.push(row("big-documents", `${size}, ${name}: memory`, "MB", figure, "the document", "<= 2.5"))
  }
  const step = (name, { ms, rssMax }, { peerMs, peer, goal }) => {
    results.push(row("big-documents", `${size}, ${name}`, "ms", { value: ms, peerValue: peerMs, n: 1 }, peer, goal))
    if (rssMax !== undefined) remember(name, { rssMax })
  }
  const written = { peerMs: writeBytes(directory, bytes), peer: "writing its bytes" }
  step("made by mutations", made.create, written)
  step("closed with a checkpoint", made.close, written)

  const server = await startServer(dataDir)
  const bare = await startBareServer()
  try {
    const opened = await timed(async () => {
      if ((await server.ask("rows", { docId: "doc" })) !== rows) throw new Error("the opened document has other rows")
    })
    const peerMs = readBytes(made.file)
    step("opened", { ...opened, ...(await server.ask("usage")) }, { peerMs, peer: "reading its bytes", goal: "<= 1.3" })

    await server.ask("startMemory")
    const mutated = await mutate(server, { doc: rows, small: smallRows })
    const { rssMax } = await server.ask("usage")
    const beside = { peer: "13 MB", goal: "<= 2" }
    step("one mutation, until it is durable", { ms: mutated.doc, rssMax }, { ...beside, peerMs: mutated.small })

    const small = await sync(server.url, "small", smallRows + MUTATIONS)
    await server.ask("startMemory")
    const large = await sync(server.url, "doc", rows + MUTATIONS)
    const serving = await server.ask("usage")
    const raw = { peerMs: await download(bare.port, bytes), peer: "raw WebSocket", goal: "<= 4" }
    step("first sync into Node", large, raw)
    remember("first sync into Node, its server", serving)
    step("a live query of 100 rows", { ms: large.shown.ms }, { ...beside, peerMs: small.shown.ms })
    return results
  } finally {
    await server.stop()
    await bare.stop()
  }
}

/** Seeds both documents in a server that then closes them: `file` holds the large one's pages. */
async function make({ dataDir, rows, smallRows }) {
  const server = await startServer(dataDir)
  await server.ask("seed", { docId: "small", rows: smallRows })
  await server.ask("startMemory")
  const create = await timed(() => server.ask("seed", { docId: "doc", rows, titleBytes: TITLE_BYTES }))
  Object.assign(create, await server.ask("usage"))
  await server.ask("startMemory")
  const close = await timed(() => server.stop())
  const [largest] = readdirSync(dataDir, { recursive: true })
    .filter((name) => /(?:^|\/)main-\d+\.db$/.test(name))
    .map((name) => ({ file: join(dataDir, name), bytes: statSync(join(dataDir, name)).size }))
    .sort((a, b) => b.bytes - a.bytes)
  return { create, close, ...largest }
}

/** Milliseconds of a mutation in each document, in turn, by a client that has what the server has: the medians. */
async function mutate(server, rowsOf) {
  const clients = []
  for (const [docId, rows] of Object.entries(rowsOf)) {
    const first = await RawClient.connect(server.url, { docId })
    clients.push({
      docId,
      rows,
      client: await RawClient.connect(server.url, { docId, like: first.welcome }),
      times: [],
    })
    first.close()
  }
  for (let i = 0; i < MUTATIONS; i++) {
    for (const { docId, rows, client, times } of clients) {
      const { ms } = await timed(() => client.push([entryOf("AddTodo", todo(rows + i), `${docId} ${i}`)]))
      if (i >= WARM) times.push(ms)
    }
  }
  for (const { client } of clients) client.close()
  return Object.fromEntries(clients.map(({ docId, times }) => [docId, median(times)]))
}

/** In a process of its own, whose memory is the client's. */
async function sync(url, docId, rows) {
  const client = await startChild({ script: clientScript, args: [] })
  try {
    await client.ask("startMemory")
    const synced = await client.ask("sync", { url, docId, list: LIST })
    if (synced.rows !== rows) throw new Error(`the client has ${synced.rows} rows of ${rows}`)
    const expected = Math.min(SHOWN_MAX, Math.floor(rows / LISTS))
    if (synced.shown.rows < expected) throw new Error(`the live query has ${synced.shown.rows} rows, not ${expected}`)
    return synced
  } finally {
    await client.stop()
  }
}

/** Adds what `work` answers. */
async function timed(work) {
  const startedMs = performance.now()
  const answer = await work()
  return { ms: performance.now() - startedMs, ...answer }
}

/** Milliseconds of so many bytes onto the disk. */
function writeBytes(directory, bytes) {
  const block = Buffer.alloc(BLOCK_BYTES, 7)
  const file = openSync(join(directory, "written"), "w")
  const startedMs = performance.now()
  for (let left = bytes; left > 0; left -= BLOCK_BYTES) writeSync(file, block, 0, Math.min(left, BLOCK_BYTES))
  fdatasyncSync(file)
  const ms = performance.now() - startedMs
  closeSync(file)
  return ms
}

function readBytes(file) {
  const startedMs = performance.now()
  readFileSync(file)
  return performance.now() - startedMs
}
