// A server that a test kills: prints its port, then serves until it gets a signal or is killed.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createLf } from "../create-lf.ts"
import { mutator } from "./fixture.ts"

const [dataDir, port] = process.argv.slice(2)
const lf = createLf({ mutator, dataDir, authenticate: () => null, authorize: () => true })
const server = createServer()
server.on("upgrade", (_request, socket) => socket.destroy())
server.listen(Number(port), "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
process.on("SIGTERM", async () => {
  server.close()
  await lf.close()
  process.exit(0)
})
