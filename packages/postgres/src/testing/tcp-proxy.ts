import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** A port of loopback that leads to another one, as a network does it that is slow, holds bytes back and breaks. */
export class TcpProxy {
  readonly port: number
  /** Of each piece that is sent on, in each direction. */
  delayMs = () => 0
  readonly #first: number
  readonly #server: ReturnType<typeof createServer>
  readonly #sockets = new Set<Socket>()
  #to: number
  /** What waits for `release`; null: nothing is held back. */
  #held: (() => void)[] | null = null

  private constructor(server: ReturnType<typeof createServer>, to: number) {
    this.#server = server
    this.#first = to
    this.#to = to
    this.port = (server.address() as AddressInfo).port // it listens on a port
    server.on("connection", (near) => this.#carry(near))
  }

  static async to(port: number): Promise<TcpProxy> {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    return new TcpProxy(server, port)
  }

  /** The same connection string by way of the proxy. */
  through(connectionString: string): string {
    return connectionString.replace(`:${this.#first}/`, `:${this.port}/`)
  }

  /** Ends all connections: neither side is sent a word, nor what is held back. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Sends nothing on until `release`, as for a process that is paused. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const send of held) send()
  }

  /** Ends all connections, and leads elsewhere. */
  turn(port: number): void {
    this.#to = port
    this.cut()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #carry(near: Socket): void {
    const far = connect(this.#to, "127.0.0.1")
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        this.#sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    this.#pass(near, far)
    this.#pass(far, near)
  }

  #pass(from: Socket, to: Socket): void {
    let lastMs = 0
    from.on("data", (bytes) => {
      const send = () => {
        if (this.#held !== null) this.#held.push(send)
        else if (!to.destroyed) to.write(bytes)
      }
      const nowMs = performance.now()
      // Pieces keep their order.
      lastMs = Math.max(lastMs, nowMs + this.delayMs())
      if (lastMs <= nowMs) send()
      else setTimeout(send, lastMs - nowMs)
    })
  }
}
