// A document into a client that has nothing, against a WebSocket that carries the same bytes; through a link of 50 Mbit/s, against
// the time that its compressed bytes need there; and the memory of both ends.
import { once } from "node:events"
import { connect, createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { WebSocket } from "ws"
import { median, row } from "./measure.mjs"
import { startBareServer, startChild, startServer, temporaryDirectory } from "./server.mjs"
import { interleaveAsync } from "./turns.mjs"

const clientScript = fileURLToPath(new URL("./client-process.mjs", import.meta.url))
const LINK_BYTES_PER_MS = 50_000 / 8
const LINK_BUFFER_BYTES = 128 * 1024
const MB = 1_000_000
const ROWS_12_MB = 83_000

export async function run({ quick }) {
  const results = []
  for (const rows of quick ? [ROWS_12_MB] : [ROWS_12_MB, ROWS_12_MB * 10]) {
    const { directory, remove } = temporaryDirectory()
    try {
      results.push(...(await measure({ directory, rows, quick })))
    } finally {
      remove()
    }
  }
  return results
}

async function measure({ directory, rows, quick }) {
  const seeding = await startServer(directory)
  await seeding.ask("seed", { docId: "doc", rows })
  await seeding.ask("seed", { docId: "small", rows: 100 })
  await seeding.stop()
  const bare = await startBareServer()
  try {
    const memory = await withServer(directory, (server) => memoryOfSync(server, rows))
    const { bytes } = memory
    const perSecond = (ms) => bytes / MB / (ms / 1_000)
    const syncs = async (url) => perSecond((await syncOnce(url, rows)).ms)
    const downloads = async () => perSecond(await download(bare.port, bytes))
    const cold = () =>
      withServer(directory, async (server) => {
        await server.ask("rows", { docId: "doc" })
        return await syncs(server.url)
      })
    const first = await interleaveAsync(quick ? 1 : 3, cold, downloads)
    const coldLink = await withServer(directory, (server) => throughLink(server, rows, 1))
    const variant = `${Math.round(bytes / MB)} MB`
    const against = (value) => ({ value: value / MB, peerValue: bytes / MB, n: 1 })
    const linkRow = (which, { wireBytes, ...figures }) => ({
      ...row("first-sync", `${variant}, 50 Mbit/s, ${which}`, "ms", figures, "its compressed bytes", "<= 1.05"),
      wireBytes,
    })
    const warm = await withServer(directory, async (server) => {
      await syncOnce(server.url, rows)
      const later = await interleaveAsync(quick ? 2 : 5, () => syncs(server.url), downloads)
      return { later, link: await throughLink(server, rows, quick || bytes > 50 * MB ? 1 : 3) }
    })
    return [
      row("first-sync", `${variant}, Node, first client of a server`, "MB/s", first, "raw WebSocket", ">= 0.25"),
      row("first-sync", `${variant}, Node, later client`, "MB/s", warm.later, "raw WebSocket", ">= 0.25"),
      linkRow("first client of a server", coldLink),
      linkRow("later client", warm.link),
      row("first-sync", `${variant}, server memory`, "MB", against(memory.server), "the document", "<= 2.5"),
      row("first-sync", `${variant}, client memory`, "MB", against(memory.client), "the document", "<= 2.5"),
    ]
  } finally {
    await bare.stop()
  }
}

/** A server keeps what it compressed: its first client waits for that and later ones do not. */
async function withServer(directory, work) {
  const server = await startServer(directory)
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

/** The most that both ends take on top of what they have after a sync of a small document. */
async function memoryOfSync(server, rows) {
  const client = await startChild({ script: clientScript, args: [] })
  try {
    await client.ask("sync", { url: server.url, docId: "small" })
    const [serverBefore, clientBefore] = await Promise.all([server.ask("startMemory"), client.ask("startMemory")])
    const { bytes, rows: found } = await client.ask("sync", { url: server.url, docId: "doc" })
    if (found !== rows) throw new Error(`the client has ${found} rows of ${rows}`)
    const [serverAfter, clientAfter] = await Promise.all([server.ask("usage"), client.ask("usage")])
    return { bytes, server: serverAfter.rssMax - serverBefore.rss, client: clientAfter.rssMax - clientBefore.rss }
  } finally {
    await client.stop()
  }
}

/** In a fresh process each: what V8 compiled for one sync does not help the next. */
async function syncOnce(url, rows) {
  const client = await startChild({ script: clientScript, args: [] })
  try {
    const synced = await client.ask("sync", { url, docId: "doc" })
    if (synced.rows !== rows) throw new Error(`the client has ${synced.rows} rows of ${rows}`)
    return synced
  } finally {
    await client.stop()
  }
}

/** Milliseconds of a sync through the link, and of its bytes alone. */
async function throughLink(server, rows, rounds) {
  await server.ask("rows", { docId: "doc" })
  const link = await startLink(server.port)
  const own = []
  const ideal = []
  for (let round = 0; round < rounds; round++) {
    link.reset()
    own.push((await syncOnce(`ws://127.0.0.1:${link.port}/api/lf`, rows)).ms)
    ideal.push(link.bytes() / LINK_BYTES_PER_MS)
  }
  link.close()
  return { value: median(own), peerValue: median(ideal), n: rounds, wireBytes: link.bytes() }
}

/** Milliseconds until all bytes of a plain download are here. */
export async function download(port, bytes) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false, maxPayload: 1 << 30 })
  await once(socket, "open")
  const request = Buffer.alloc(5, "d")
  request.writeUInt32LE(bytes, 1)
  const startedMs = performance.now()
  let received = 0
  await new Promise((resolve) => {
    socket.on("message", (data) => {
      received += data.length
      if (received >= bytes) resolve()
    })
    socket.send(request)
  })
  const ms = performance.now() - startedMs
  socket.terminate()
  if (received !== bytes) throw new Error(`the download has ${received} bytes of ${bytes}`)
  return ms
}

/** A TCP proxy that passes what the server sends on at the link's rate, and counts it. */
async function startLink(port) {
  let bytes = 0
  const sockets = new Set()
  const proxy = createServer((near) => {
    const far = connect(port, "127.0.0.1")
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on("error", () => {})
      sockets.add(socket)
    }
    near.on("close", () => far.destroy())
    far.on("close", () => near.end())
    near.pipe(far)
    pace(far, near, (passed) => {
      bytes += passed
    })
  })
  proxy.listen(0, "127.0.0.1")
  await once(proxy, "listening")
  return {
    port: proxy.address().port,
    bytes: () => bytes,
    reset() {
      bytes = 0
    },
    close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}

/** A wire that carries so many bytes a millisecond, behind a buffer. What it does not use of its time is gone. */
function pace(from, to, passed) {
  let busyUntilMs = 0
  let waitingBytes = 0
  // Timers of different delays may end in another order than the bytes must have.
  const waiting = []
  from.on("data", (chunk) => {
    passed(chunk.length)
    waitingBytes += chunk.length
    if (waitingBytes > LINK_BUFFER_BYTES) from.pause()
    busyUntilMs = Math.max(busyUntilMs, performance.now()) + chunk.length / LINK_BYTES_PER_MS
    waiting.push(chunk)
    setTimeout(() => {
      const next = waiting.shift()
      to.write(next)
      waitingBytes -= next.length
      if (waitingBytes <= LINK_BUFFER_BYTES) from.resume()
    }, busyUntilMs - performance.now())
  })
}
