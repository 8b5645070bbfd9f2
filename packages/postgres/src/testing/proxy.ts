import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { later } from "../../../next/src/testing/fixture.ts"

export interface Proxy {
  readonly port: number
  /** Ends all connections as a network does: neither side is sent a word. */
  cut(): void
  /** Passes nothing on any more. */
  hang(): void
  /** Ends them, and leads elsewhere. */
  turn(port: number): void
  /** The same connection string by way of the proxy. */
  through(connectionString: string): string
}

/** A port of loopback that leads to another one, until the end of the test. */
export async function proxyTo(first: number): Promise<Proxy> {
  let to = first
  let isHung = false
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1")
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on("data", (bytes) => isHung || far.write(bytes))
    far.on("data", (bytes) => isHung || near.write(bytes))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo // it listens on a port
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  later(() => {
    cut()
    server.close()
  })
  return {
    port,
    cut,
    hang() {
      isHung = true
    },
    turn(next) {
      to = next
      cut()
    },
    through: (connectionString) => connectionString.replace(`:${first}/`, `:${port}/`),
  }
}
