import { connect, createServer, type Server, type Socket } from "node:net"

/** A way to a server on loopback that can be cut: sockets end at once, new ones are refused. */
export class Gateway {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly url: string
  #isUp = true

  private constructor(server: Server, port: number, to: number) {
    this.#server = server
    this.url = `http://localhost:${port}`
    server.on("connection", (near) => {
      if (!this.#isUp) {
        near.destroy()
        return
      }
      const far = connect(to, "localhost")
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this.#sockets.add(one)
        one.pipe(other)
        one.on("error", () => other.destroy())
        one.on("close", () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
    })
  }

  static start(to: number): Promise<Gateway> {
    const server = createServer()
    return new Promise((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        if (typeof address === "object" && address !== null) resolve(new Gateway(server, address.port, to))
      })
    })
  }

  become(state: "up" | "down"): void {
    this.#isUp = state === "up"
    if (!this.#isUp) for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.become("down")
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
