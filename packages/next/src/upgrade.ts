import { Server as HttpServer, type IncomingMessage, STATUS_CODES } from "node:http"
import { Server as HttpsServer } from "node:https"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import { ERROR_CODES, type ErrorCode, FRAME_BYTES_MAX, type Pipe } from "@lf/core"
import { WebSocketServer } from "ws"
import { WsPipe } from "./node/ws-pipe.ts"
import { isOriginAllowed } from "./origin.ts"
import { shared } from "./shared.ts"

/** Sockets of one process; more are refused with 503 (S7). */
export const SOCKETS_MAX = 10_000

/** Who answers the upgrades on a path. */
export interface Claim {
  readonly path: string
  /** Which sockets are closed together: the data directory. */
  readonly group: string
  readonly origins: ReadonlySet<string>
  isClosed(): boolean
  visit(pipe: Pipe, request: { readonly headers: Headers; readonly url: URL }): void
}

interface OpenSocket {
  readonly server: object
  readonly group: string
  close(reason: string): void
}

type Upgrade = (server: object, request: IncomingMessage, socket: Duplex, head: Buffer) => void

interface Registry {
  readonly upgradeByPath: Map<string, Upgrade>
  readonly open: Set<OpenSocket>
  isPatched: boolean
}

function registry(): Registry {
  return shared("upgrades", () => ({ upgradeByPath: new Map(), open: new Set(), isPatched: false }))
}

/** Answers the WebSocket upgrades on `claim.path` of every HTTP server in this process. The newest claim on a path wins. */
export function claimUpgrades(claim: Claim): void {
  const { upgradeByPath } = registry()
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
  })
  upgradeByPath.set(claim.path, (server, request, socket, head) => {
    const refusal = refusalOf(claim, request)
    if (refusal !== null) {
      refuse(socket, refusal.status, refusal.code)
      return
    }
    const headers = headersOf(request)
    const url = urlOf(request)
    wss.handleUpgrade(request, socket, head, (ws) => {
      const pipe = new WsPipe(ws)
      const open = { server, group: claim.group, close: (reason: string) => pipe.close(reason) }
      registry().open.add(open)
      ws.once("close", () => registry().open.delete(open))
      claim.visit(pipe, { headers, url })
    })
  })
  patchServers()
}

/** Closes the sockets of a group and waits until they are gone, `waitMsMax` at the most. */
export async function closeSockets(group: string, waitMsMax: number): Promise<void> {
  const { open } = registry()
  const ours = () => Array.from(open).filter((socket) => socket.group === group)
  for (const socket of ours()) socket.close("SERVER_CLOSING")
  const endMs = performance.now() + waitMsMax
  while (ours().length > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

const POLL_MS = 10

/**
 * Wraps two methods of Node's servers, once per process. Next has no door for upgrades in a route, but every way to run
 * it (`next dev`, `next start`, standalone, a custom server) emits "upgrade" on a server of Node. `close` would wait for
 * sockets that nobody ends: under `next start` a stop would hang.
 */
function patchServers(): void {
  const state = registry()
  if (state.isPatched) return
  state.isPatched = true
  for (const prototype of [HttpServer.prototype, HttpsServer.prototype]) {
    const { emit, close } = prototype
    wrap(prototype, "emit", function (this: object, ...args: unknown[]) {
      const [event, request, socket, head] = args
      const upgrade = event === "upgrade" ? state.upgradeByPath.get(pathOf(request as IncomingMessage)) : undefined
      if (upgrade === undefined) return Reflect.apply(emit, this, args)
      upgrade(this, request as IncomingMessage, socket as Duplex, head as Buffer) // what Node emits with "upgrade"
      return true
    })
    wrap(prototype, "close", function (this: object, ...args: unknown[]) {
      const result = Reflect.apply(close, this, args)
      for (const open of state.open) if (open.server === this) open.close("SERVER_CLOSING")
      return result
    })
  }
}

function wrap(prototype: object, name: string, value: (this: object, ...args: unknown[]) => unknown): void {
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
}

function refusalOf(claim: Claim, request: IncomingMessage): { status: number; code: ErrorCode } | null {
  if (claim.isClosed()) return { status: 503, code: "SERVER_CLOSING" }
  const { origin, host, cookie } = request.headers
  const isAllowed = isOriginAllowed(
    { origin, host, hasCookie: cookie !== undefined, isSecure: isSecure(request) },
    claim.origins,
  )
  if (!isAllowed) return { status: 403, code: "ORIGIN_REFUSED" }
  if (registry().open.size >= SOCKETS_MAX) return { status: 503, code: "RATE_LIMITED" }
  return null
}

/** A plain answer instead of the upgrade, and the end of the connection. */
function refuse(socket: Duplex, status: number, code: ErrorCode): void {
  const body = JSON.stringify({ code, message: ERROR_CODES[code] })
  socket.on("error", () => {}) // it may be gone already
  socket.once("finish", () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function pathOf(request: IncomingMessage): string {
  const [path] = (request.url ?? "/").split("?")
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
}

function isSecure({ socket, headers }: IncomingMessage): boolean {
  return socket instanceof TLSSocket || headers["x-forwarded-proto"] === "https"
}

function urlOf(request: IncomingMessage): URL {
  const base = `${isSecure(request) ? "https" : "http"}://${request.headers.host ?? "localhost"}`
  return URL.canParse(request.url ?? "/", base) ? new URL(request.url ?? "/", base) : new URL("http://localhost/")
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1])
  return headers
}
