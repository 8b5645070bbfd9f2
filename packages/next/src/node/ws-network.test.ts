import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Pipe } from "@lf/core/internal"
import { WebSocketServer } from "ws"
import { networkContract } from "../../../core/src/testing/network-contract.ts"
import { wsNetwork } from "./ws-network.ts"
import { WsPipe } from "./ws-pipe.ts"

networkContract("ws", async () => {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  let arrive: (pipe: Pipe) => void = () => {}
  sockets.on("connection", (socket) => arrive(new WsPipe(socket)))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  return {
    network: wsNetwork(`ws://127.0.0.1:${port}/`),
    accepted: () =>
      new Promise((resolve) => {
        arrive = resolve
      }),
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
})
