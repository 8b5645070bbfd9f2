// A server in a process of its own: the real `createLf` on a bare HTTP server, its log in the directory or database that argv names.
// With "bare" instead of a directory it has no lf: a WebSocket server that does what the first byte of a message asks. With "next"
// behind the directory the HTTP server is the demo's, with Next in production mode.
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { extname, join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { sql } from "@lf/core"
import { createLf } from "@lf/next"
import { postgresStore } from "@lf/postgres"
import { WebSocketServer } from "ws"
import { memory, startMemory } from "./memory.mjs"
import { answerRequests } from "./requests.mjs"
import { mutator, SEED_LONG_ROWS, SEED_ROWS, SeedLongTodos, SeedTodos } from "./server-app.mjs"

const DELAY_RESOLUTION_MS = 1
const DOWNLOAD_FRAME_BYTES = 256 * 1024
/** The bare loop waits for its sockets where more than this is unread, as any server must. */
const UNREAD_BYTES_MAX = 1024 * 1024

const [dataDir, site] = process.argv.slice(2)
const isNext = site === "next"
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" }
const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
delay.enable()

const server = createServer()
const requests = dataDir === "bare" ? serveBare() : serveLf()
answerRequests(requests)
const { request, upgrade } = isNext
  ? await (await import("./next-handlers.mjs")).nextHandlers(dataDir)
  : { request: answerPage, upgrade: (_request, socket) => socket.destroy() }
server.on("request", request)
if (dataDir !== "bare") server.on("upgrade", upgrade)
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address()
  // Next loads the route, and with it the app's own `createLf`, at its first request.
  if (isNext) await (await fetch(`http://127.0.0.1:${port}/api/lf`)).arrayBuffer()
  process.send({ port })
})

/** lf's route, files of `site`; any other path is a page, with the script that has its name. */
async function answerPage({ url }, response) {
  const { pathname, href } = new URL(url, "http://localhost")
  // An isolated page has a clock of 5 us; any other one of 100.
  response.setHeader("cross-origin-opener-policy", "same-origin")
  response.setHeader("cross-origin-embedder-policy", "require-corp")
  if (pathname === "/api/lf" && requests.route !== undefined) {
    const answer = await requests.route(new Request(href))
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.end(Buffer.from(await answer.arrayBuffer()))
    return
  }
  const type = TYPES[extname(pathname)]
  response.setHeader("content-type", type ?? "text/html")
  const script = pathname === "/" ? "page" : pathname.slice(1)
  const page = `<!doctype html><title>bench</title><div id="root"></div><script type="module" src="/${script}.js"></script>`
  response.end(type === undefined || site === undefined ? page : readFileSync(join(site, pathname)))
}

function common() {
  return {
    usage() {
      const { user, system } = process.cpuUsage()
      return { cpuMicros: user + system, ...memory() }
    },
    startMemory,
    resetDelay: () => delay.reset(),
    delayMsMax: () => delay.max / 1e6 - DELAY_RESOLUTION_MS,
  }
}

function serveLf() {
  const many = 1_000_000_000
  const lf = createLf({
    mutator,
    ...(dataDir.startsWith("postgres://") ? { store: postgresStore({ connectionString: dataDir }) } : { dataDir }),
    log: () => {},
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    authorize: () => true,
    // Limits protect a server from its clients; here all of them are one address that asks for as much as it can get.
    limits: {
      connectionsMax: 11_000,
      connectionsPerAddressMax: 11_000,
      connectionsPerPrincipalMax: 11_000,
      documentsPerPrincipalMax: 11_000,
      upgradesPerAddressPerMinute: many,
      unansweredUpgradesPerAddressMax: 11_000,
      createsPerPrincipalPerHour: many,
      framesPerSecond: many,
      bytesPerSecond: many,
      mutationsPerSecond: many,
      pageBytesPerSecond: many,
      unreadBytesPerPrincipalMax: many,
      openRoomsMax: 10_000,
      idleMs: 3_600_000,
    },
  })
  const documentOf = (docId) => lf.document(docId, { as: "system" })
  return {
    ...common(),
    route: (request) => lf.handlers.GET(request),
    async seed({ docId, rows, from = 0, titleBytes = 0 }) {
      const [mutation, step] = titleBytes > 0 ? [SeedLongTodos, SEED_LONG_ROWS] : [SeedTodos, SEED_ROWS]
      for (let at = from; at < from + rows; at += step) {
        const args = { from: at, count: Math.min(step, from + rows - at), titleBytes }
        const outcome = await documentOf(docId).mutate(mutation, args)
        if (outcome.type !== "applied") throw new Error(`seed: ${outcome.code}`)
      }
    },
    async rows({ docId }) {
      const [{ n }] = await documentOf(docId).query(sql`select count(*) as n from todos`)
      return n
    },
    async stop() {
      server.close()
      await lf.close()
      server.closeAllConnections()
      setImmediate(() => process.disconnect())
      return memory()
    },
  }
}

function serveBare() {
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 1 << 30 })
  sockets.on("connection", (socket) => {
    socket.on("error", () => {})
    socket.on("message", (data) => answer(socket, data))
  })
  async function answer(socket, data) {
    const kind = String.fromCharCode(data[0])
    if (kind === "e") socket.send(data)
    // To all, as often as the next four bytes say: the bytes behind them.
    if (kind === "b") await broadcast(data.readUInt32LE(1), data.subarray(5))
    if (kind === "d") await download(socket, data.readUInt32LE(1))
  }
  async function broadcast(times, bytes) {
    for (let i = 0; i < times; i++) {
      for (const one of sockets.clients) one.send(bytes)
      if (i + 1 < times) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  async function download(socket, bytes) {
    const frame = Buffer.alloc(DOWNLOAD_FRAME_BYTES, 7)
    for (let left = bytes; left > 0; left -= frame.length) {
      socket.send(left < frame.length ? frame.subarray(0, left) : frame)
      while (socket.bufferedAmount > UNREAD_BYTES_MAX) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return {
    ...common(),
    stop() {
      for (const one of sockets.clients) one.terminate()
      server.close()
      setImmediate(() => process.disconnect())
    },
  }
}
