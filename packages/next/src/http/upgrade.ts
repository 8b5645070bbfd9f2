import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { FRAME_BYTES_MAX } from "@lf/core/internal"
import { WebSocketServer } from "ws"
import { WsPipe } from "../node/ws-pipe.ts"
import { isClosing, keepOpen } from "./claimed-paths.ts"
import { CLOSING, type ConnectionRoute, refusalOf } from "./connection-route.ts"
import { cutLater, refuse } from "./refuse-upgrade.ts"
import { addressIn, headersOf, urlOf } from "./request-facts.ts"

/** Takes the WebSocket upgrades of a route. */
export function upgradesOf(
  route: ConnectionRoute,
): (server: object, request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { quotas, hostRules } = route
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: FRAME_BYTES_MAX,
    maxBufferedChunks: CHUNKS_MAX,
    maxFragments: FRAGMENTS_MAX,
    perMessageDeflate: false,
    // One frame of a socket, then the others' turn: thousands of tiny frames arrive in one chunk.
    allowSynchronousEvents: false,
  })
  return (server, request, socket, head) => {
    const address = addressIn(request, hostRules.trustProxy)
    const refusal = isClosing(server) ? CLOSING : refusalOf(route, request, address)
    if (refusal !== null) {
      refuse(socket, refusal)
      return
    }
    const headers = headersOf(request)
    const url = urlOf(request)
    let isOpen = false
    wss.handleUpgrade(request, socket, head, (ws) => {
      isOpen = true
      const pipe = new WsPipe(ws, quotas.limits)
      pipe.countIntake(
        socket,
        quotas.intake(address, () => pipe.cut("RATE_LIMITED")),
      )
      const closed = quotas.opened(address)
      const { ended } = keepOpen({ server, group: route.group, close: (reason) => pipe.close(reason) })
      ws.once("close", () => {
        ended()
        closed()
      })
      route.accept({ pipe, address, headers, url })
    })
    // It was answered that this is no WebSocket, and closes when that was read.
    if (!isOpen) cutLater(socket)
  }
}

/** 1 MiB in pieces of 128 bytes, or in fragments of 1 KiB: smaller ones are an attack on memory. */
const CHUNKS_MAX = 8_192
const FRAGMENTS_MAX = 1_024
