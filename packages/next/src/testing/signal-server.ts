// A server of an app that does not handle lf's stop: `next start`, or a plain server without signal listeners.
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
server.on("upgrade", () => {}) // like Next, ignores unknown paths
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})

// As Next's start-server: closes the server and ends the process with the signal's number.
if (mode === "next") {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    process.on(signal, () => server.close(() => process.exit(code)))
  }
}
// An app with a stop procedure of its own.
if (mode === "once") process.once("SIGTERM", () => setTimeout(() => process.exit(7), 300))
