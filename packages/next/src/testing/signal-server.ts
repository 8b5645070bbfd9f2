// A server of an app that knows nothing of how lf stops: `next start`, or a plain one without any listener for signals.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createLf } from "../create-lf.ts"
import { mutator } from "./fixture.ts"

const [dataDir, mode] = process.argv.slice(2)
createLf({
  mutator,
  dataDir,
  authenticate: () => null,
  authorize: () => true,
  ...(mode === "opted-out" ? { handleSignals: false } : {}),
})
const server = createServer((_request, response) => response.end("plain"))
server.on("upgrade", () => {}) // as Next leaves alone what it does not know
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})

// What Next's start-server does: it closes the server and ends the process with the signal's number.
if (mode === "next") {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    process.on(signal, () => server.close(() => process.exit(code)))
  }
}
// An app that stops in its own way and time.
if (mode === "once") process.once("SIGTERM", () => setTimeout(() => process.exit(7), 300))
