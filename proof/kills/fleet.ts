import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { type NextServer, startNext } from "./next-server.ts"

/** Some of the demo's Next servers on one PostgreSQL, behind a proxy that gives each new connection to the next of them. */
export class Fleet {
  readonly port: number
  readonly #env: { readonly LF_DATABASE_URL: string }
  readonly #proxy: Server
  /** What each server has of the proxy. */
  readonly #sockets = new Map<Socket, NextServer>()
  readonly #left = new Set<NextServer>()
  readonly servers: NextServer[]
  #next = 0

  private constructor(env: { readonly LF_DATABASE_URL: string }, servers: NextServer[], proxy: Server) {
    this.#env = env
    this.servers = servers
    this.#proxy = proxy
    this.port = (proxy.address() as AddressInfo).port
    proxy.on("connection", (socket) => this.#pass(socket, servers.length))
  }

  static async start(connectionString: string, size: number): Promise<Fleet> {
    const env = { LF_DATABASE_URL: connectionString }
    const servers = await Promise.all(Array.from({ length: size }, () => startWell(env)))
    const proxy = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1")
    await once(proxy, "listening")
    return new Fleet(env, servers, proxy)
  }

  /** As a deploy does: a new server that is well takes the place, then the old one ends. */
  async replace(old: NextServer, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.servers[this.servers.indexOf(old)] = await startWell(this.#env)
    await old.end(signal)
  }

  /** As a proxy does whose health check has no answer: the server gets no connection, and those that it has end. */
  leaveOut(server: NextServer): void {
    this.#left.add(server)
    for (const [socket, its] of this.#sockets) if (its === server) socket.destroy()
  }

  takeBack(server: NextServer): void {
    this.#left.delete(server)
  }

  async end(): Promise<void> {
    this.#proxy.close()
    for (const socket of this.#sockets.keys()) socket.destroy()
    await Promise.all(this.servers.map((server) => server.end("SIGKILL")))
  }

  /** To the next server that takes it. The proxy knows nothing of documents. */
  #pass(socket: Socket, triesLeft: number): void {
    if (triesLeft === 0) {
      socket.destroy()
      return
    }
    const server = this.servers[this.#next++ % this.servers.length]
    if (this.#left.has(server)) {
      this.#pass(socket, triesLeft - 1)
      return
    }
    const way = connect(server.port, "127.0.0.1")
    let isConnected = false
    way.once("connect", () => {
      isConnected = true
      this.#sockets.set(socket, server)
      socket.pipe(way).pipe(socket)
      socket.resume()
    })
    way.on("error", () => {
      if (!isConnected) this.#pass(socket, triesLeft - 1)
    })
    way.once("close", () => {
      if (isConnected) socket.destroy()
    })
    socket.on("error", () => {})
    socket.once("close", () => {
      this.#sockets.delete(socket)
      way.destroy()
    })
  }
}

/** Its health check loads the app, as it does for a proxy. */
async function startWell(env: { readonly LF_DATABASE_URL: string }): Promise<NextServer> {
  const server = await startNext({ env })
  while ((await server.health()) !== "ok") await sleep(50)
  return server
}
