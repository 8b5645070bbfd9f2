import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { Network, Pipe } from "@lf/core/internal"
import { mutator } from "../../app/lf/mutators.ts"
import { createLf, type Lf } from "../../packages/next/src/create-lf.ts"
import { wsNetwork } from "../../packages/next/src/node/ws-network.ts"
import { postgresStore } from "../../packages/postgres/src/store.ts"
import { TcpProxy } from "../../packages/postgres/src/testing/tcp-proxy.ts"

/** All clients are one address here. */
const MANY = 1_000_000

/** A server as far from the others as on a machine of its own: they share the database alone. */
export class SharingServer implements Network {
  /** Its way to the database. */
  readonly proxy: TcpProxy
  /** What the database calls it. */
  readonly nodeId: string
  readonly #http: Server
  readonly #lf: Lf<{ readonly id: string }>
  readonly #sockets: Network
  readonly #open = new Set<Pipe>()

  private constructor(proxy: TcpProxy, connectionString: string, http: Server) {
    this.proxy = proxy
    this.#http = http
    const { port } = http.address() as AddressInfo // it listens on a port
    // Of several servers of one process each needs a path of its own.
    const path = `/api/lf/${port}`
    const store = postgresStore({ connectionString: proxy.through(connectionString) })
    this.nodeId = store.nodeId
    this.#lf = createLf({
      path,
      mutator,
      store,
      authenticate: () => null,
      authorize: () => true,
      log: () => {},
      limits: { upgradesPerAddressPerMinute: MANY, createsPerPrincipalPerHour: MANY },
    })
    this.#sockets = wsNetwork(`ws://127.0.0.1:${port}${path}`)
  }

  static async start(connectionString: string): Promise<SharingServer> {
    const http = createServer((_request, response) => response.end())
    http.on("upgrade", (_request, socket) => socket.destroy())
    http.listen(0, "127.0.0.1")
    await once(http, "listening")
    return new SharingServer(await TcpProxy.to(Number(new URL(connectionString).port)), connectionString, http)
  }

  async connect(): Promise<Pipe> {
    const pipe = await this.#sockets.connect()
    this.#open.add(pipe)
    return pipe
  }

  /** Its clients connect again, to any server. */
  cutClients(): void {
    for (const pipe of this.#open) pipe.close("the connection was cut")
    this.#open.clear()
  }

  async end(): Promise<void> {
    await this.#lf.close()
    this.#http.closeAllConnections()
    this.#http.close()
    this.proxy.close()
  }
}
