// The demo's own server: Next, with deadlines for what never becomes a request. `next start` works as well.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import next from "next"
import { lf, rowsLf } from "./lf.server"

const port = Number(process.env.PORT ?? 3000)
// Unset: every address of this machine.
const host = process.env.HOST

const app = next({ dev: process.env.NODE_ENV !== "production", port })
await app.prepare()
const handle = app.getRequestHandler()

/** Next makes a `Request` of what arrives, which refuses this method and throws: a 500, with a stack in the log each time. */
const UNSUPPORTED = "TRACE"

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === UNSUPPORTED) response.writeHead(405, { Allow: "GET, HEAD, POST, OPTIONS" }).end()
  else void handle(request, response)
}

// A request whose headers do not come is no visitor (S20): Node's own limit is a minute and more.
const server = createServer({ headersTimeout: 10_000, connectionsCheckingInterval: 5_000 }, answer)
// Importing lf claimed the upgrades on its own paths; what arrives here is Next's (hot reload).
server.on("upgrade", app.getUpgradeHandler())
server.listen(port, host, () => {
  process.stdout.write(`ready on http://localhost:${port}\n`)
})

let isStopping = false

async function stop(): Promise<void> {
  // A terminal's Ctrl+C and the parent that passes it on both arrive.
  if (isStopping) return
  isStopping = true
  server.close()
  await Promise.all([lf.close(), rowsLf.close()])
  server.closeAllConnections()
  process.exit(0)
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop)
