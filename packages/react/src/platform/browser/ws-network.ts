import { LfError } from "@lf/core"
import type { Network, Pipe, PipeListener } from "@lf/core/internal"
import { askRoute, jsonOf, refusalOf, unreachable } from "./route-answers.ts"

const SOCKET_MS_MAX = 10_000
const PROBE_MS_MAX = 5_000

/**
 * Connects to a server by a WebSocket on its route's path. `url` is http or https.
 *
 * `connect` requests the route before it opens a socket: that loads the route's bundle, and explains a failure.
 * It rejects with SERVER_UNREACHABLE, ROUTE_MISSING, ROUTE_FAILED, UPGRADE_BLOCKED, ORIGIN_REFUSED, or with the code that
 * the route answered.
 */
export function wsNetwork(url: string): Network {
  return {
    async connect() {
      await askRoute(url)
      const socket = new WebSocket(url.replace(/^http/, "ws"))
      socket.binaryType = "arraybuffer"
      if (!(await opens(socket))) throw await whyNoSocket(url)
      return pipeOf(socket)
    },
  }
}

/** The route answers, the socket does not open: a request with an Origin, as the upgrade has, returns the reason. */
async function whyNoSocket(url: string): Promise<LfError> {
  let response: Response
  try {
    response = await fetch(url, { method: "POST", cache: "no-store", signal: AbortSignal.timeout(PROBE_MS_MAX) })
  } catch {
    return unreachable(url, "the socket did not open")
  }
  const body = await jsonOf(response)
  const refusal = body.code === "WEBSOCKET_REQUIRED" ? null : refusalOf(response, body, url)
  if (refusal !== null) return refusal
  return new LfError(
    "UPGRADE_BLOCKED",
    `${url} answers plain requests, but no WebSocket opens: a proxy in between must pass on Upgrade and Connection, or this address has too many connections`,
  )
}

/** False: it failed, or timed out. */
function opens(socket: WebSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.close()
      resolve(false)
    }, SOCKET_MS_MAX)
    const end = (isOpen: boolean) => {
      clearTimeout(timer)
      resolve(isOpen)
    }
    socket.onopen = () => end(true)
    socket.onerror = () => end(false)
    socket.onclose = () => end(false)
  })
}

function pipeOf(socket: WebSocket): Pipe {
  let listener: PipeListener | null = null
  let closedBecause: string | null = null
  const close = (reason: string) => {
    if (closedBecause !== null) return
    closedBecause = reason
    listener?.closed(reason)
  }
  socket.onerror = () => close("the connection failed")
  socket.onclose = (event) => close(event.reason || `the connection was closed with ${event.code}`)
  const early: Uint8Array[] = []
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (closedBecause !== null || !(event.data instanceof ArrayBuffer)) return
    const frame = new Uint8Array(event.data)
    if (listener === null) early.push(frame)
    else listener.frame(frame)
  }
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame.slice())
    },
    close(reason) {
      // Without network a socket is slow to close; it counts as closed now.
      socket.close(1000, reason.slice(0, 100))
      close(reason)
    },
    listen(to) {
      listener = to
      for (const frame of early.splice(0)) to.frame(frame)
      if (closedBecause !== null) to.closed(closedBecause)
    },
  }
}
