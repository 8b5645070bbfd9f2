import { isLfError } from "@lf/core"
import type { Network, Pipe } from "@lf/core/internal"
import { eventStreamNetwork } from "./event-stream-network.ts"
import { wsNetwork } from "./ws-network.ts"

/** After a WebSocket was blocked the next ones are not tried for so long. */
const BLOCKED_MS = 60_000
/** A socket that was open for longer without a frame from the server is blocked as well. */
const SILENT_MS = 5_000

/**
 * Connects by a WebSocket, or where none opens, as behind some proxies, by an event stream. Both carry the same frames. What
 * `connect` rejects with is what `wsNetwork` does, or UPGRADE_BLOCKED when the event stream is blocked too.
 */
export function browserNetwork(url: string, nowMs = () => performance.now()): Network {
  const [socket, stream] = [wsNetwork(url), eventStreamNetwork(url)]
  let blockedUntilMs = Number.NEGATIVE_INFINITY
  const block = () => {
    blockedUntilMs = nowMs() + BLOCKED_MS
  }
  return {
    async connect() {
      if (nowMs() < blockedUntilMs) {
        const pipe = await stream.connect().catch(() => null)
        if (pipe !== null) return pipe
        // The network has changed, or the server is down: the socket's way finds out.
        blockedUntilMs = Number.NEGATIVE_INFINITY
      }
      try {
        return watched(await socket.connect(), { nowMs, block })
      } catch (error) {
        if (!isLfError(error) || error.code !== "UPGRADE_BLOCKED") throw error
        const pipe = await stream.connect()
        block()
        return pipe
      }
    },
  }
}

/** Some proxies open a socket and pass nothing on. */
function watched(pipe: Pipe, { nowMs, block }: { nowMs(): number; block(): void }): Pipe {
  const openedMs = nowMs()
  let isSilent = true
  return {
    transport: "a WebSocket",
    send: (frame) => pipe.send(frame),
    close: (reason) => pipe.close(reason),
    listen: ({ frame, closed }) =>
      pipe.listen({
        frame(bytes) {
          isSilent = false
          frame(bytes)
        },
        closed(reason) {
          if (isSilent && nowMs() - openedMs > SILENT_MS) block()
          closed(reason)
        },
      }),
  }
}
