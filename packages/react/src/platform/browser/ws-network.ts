import { type ErrorCode, LfError } from "@lf/core"
import type { Network, Pipe, PipeListener } from "@lf/core/internal"
import { errorName } from "./browser-storage.ts"

/** The first request in development compiles the route. */
const ROUTE_MS_MAX = 10_000
const SOCKET_MS_MAX = 10_000
const PROBE_MS_MAX = 5_000
/** Statuses of a proxy whose server is down. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504])
/** The route's default path; any other is the provider's `url`. */
const ROUTE_FILE = "app/api/lf/route.ts"

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

/** Resolves when the route is there and healthy, or when it cannot be requested. */
async function askRoute(url: string): Promise<void> {
  let response: Response
  try {
    response = await fetch(url, { method: "GET", cache: "no-store", signal: AbortSignal.timeout(ROUTE_MS_MAX) })
  } catch (error) {
    // A worker that has lost its service worker cannot fetch any more; a socket still opens, if there is a server.
    if (errorName(error) === "TypeError") return
    throw unreachable(url, `no answer within ${ROUTE_MS_MAX / 1000} s`)
  }
  const refusal = await refusalIn(response, url)
  if (refusal !== null) throw refusal
}

/** Null: this is the route, and it is healthy. */
async function refusalIn(response: Response, url: string): Promise<LfError | null> {
  const { status } = response
  const body = await jsonOf(response)
  if (typeof body.code === "string") {
    return new LfError(body.code as ErrorCode, typeof body.message === "string" ? body.message : body.code) // a newer server's code passes through
  }
  if (response.ok && body.ok === true) return null
  if (GATEWAY_STATUSES.has(status)) return unreachable(url, `a proxy answered ${status}`)
  if (status >= 500) {
    return new LfError("ROUTE_FAILED", `GET ${url} answered ${status}: the reason is in the server's log`)
  }
  const where = response.redirected ? `, after a redirect to ${response.url}` : ""
  const type = response.headers.get("content-type") ?? "no content type"
  return new LfError(
    "ROUTE_MISSING",
    `GET ${url} answered ${status} (${type})${where}, expected the JSON of ${ROUTE_FILE}. Is the route there, no middleware before it, and does the provider's url name it, basePath included?`,
  )
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
  if (typeof body.code === "string" && body.code !== "WEBSOCKET_REQUIRED") {
    return new LfError(body.code as ErrorCode, typeof body.message === "string" ? body.message : body.code) // as above
  }
  return new LfError(
    "UPGRADE_BLOCKED",
    `${url} answers plain requests, but no WebSocket opens: a proxy in between must pass on Upgrade and Connection, or this address has too many connections`,
  )
}

async function jsonOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const body: unknown = await response.json()
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function unreachable(url: string, why: string): LfError {
  return new LfError("SERVER_UNREACHABLE", `${url} cannot be reached: ${why}`)
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
