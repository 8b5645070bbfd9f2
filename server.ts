// The demo's own server: Next, and a stop that loses nothing. `next start` works as well, without the graceful part.
import { createServer } from "node:http"
import next from "next"
import { lf } from "./lf.server"

const port = Number(process.env.PORT ?? 3000)
// Unset: every address of this machine.
const host = process.env.HOST

const app = next({ dev: process.env.NODE_ENV !== "production", port })
await app.prepare()

// A request whose headers do not come is no visitor (S7): Node's own limit is a minute and more.
const server = createServer({ headersTimeout: 10_000, connectionsCheckingInterval: 5_000 }, app.getRequestHandler())
// Importing lf claimed the upgrades on its own path; what arrives here is Next's (hot reload).
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
  await lf.close()
  server.closeAllConnections()
  process.exit(0)
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop)
