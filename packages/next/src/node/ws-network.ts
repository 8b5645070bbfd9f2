import { LfError } from "@lf/core"
import { FRAME_BYTES_MAX, type Network, type Pipe } from "@lf/core/internal"
import { WebSocket } from "ws"
import { CLIENT_PIPE_LIMITS, WsPipe } from "./ws-pipe.ts"

const HANDSHAKE_MS_MAX = 10_000

export interface WsNetworkOptions {
  /** Sent as the Origin header. A client without one is accepted only if it sends no cookies. */
  readonly origin?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Connects a Node client to a server: `ws://host/api/lf`. `connect` rejects with ORIGIN_REFUSED when the server
 * answered 403, else with SERVER_CLOSING.
 */
export function wsNetwork(url: string, { origin, headers }: WsNetworkOptions = {}): Network {
  return {
    connect: () =>
      new Promise<Pipe>((resolve, reject) => {
        const socket = new WebSocket(url, {
          ...(origin === undefined ? {} : { origin }),
          headers: { ...headers },
          handshakeTimeout: HANDSHAKE_MS_MAX,
          maxPayload: FRAME_BYTES_MAX,
          perMessageDeflate: false,
        })
        const pipe = new WsPipe(socket, CLIENT_PIPE_LIMITS)
        socket.once("open", () => resolve(pipe))
        socket.once("unexpected-response", (request, response) => {
          const status = response.statusCode ?? 0
          reject(new LfError(status === 403 ? "ORIGIN_REFUSED" : "SERVER_CLOSING", `the server answered ${status}`))
          request.destroy()
        })
        socket.once("error", (cause) => reject(new LfError("SERVER_CLOSING", cause.message, { cause })))
      }),
  }
}
