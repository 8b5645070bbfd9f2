import { Server as HttpServer, type IncomingMessage, STATUS_CODES } from "node:http"
import { Server as HttpsServer } from "node:https"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import { ERROR_CODES, type ErrorCode, FRAME_BYTES_MAX } from "@lf/core"
import { WebSocketServer } from "ws"
import { addressOf, hostOf } from "./address.ts"
import { WsPipe } from "./node/ws-pipe.ts"
import { isOriginAllowed } from "./origin.ts"
import type { Quotas, VisitorPipe } from "./quotas.ts"
import { report, shared } from "./shared.ts"

/** Who answers the upgrades on a path. */
export interface Claim {
  readonly path: string
  /** Which sockets are closed together: the data directory. */
  readonly group: string
  readonly origins: ReadonlySet<string>
  /** Proxies whose headers are believed. */
  readonly trustProxy: number
  readonly quotas: Quotas
  isClosed(): boolean
  visit(visitor: { pipe: VisitorPipe; address: string; headers: Headers; url: URL }): void
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
    // One frame of a socket, then the others' turn: thousands of tiny ones arrive in one piece.
    allowSynchronousEvents: false,
  })
  upgradeByPath.set(claim.path, (server, request, socket, head) => {
    const address = addressOf(
      { remoteAddress: request.socket.remoteAddress, headers: request.headers },
      claim.trustProxy,
    )
    const refusal = refusalOf(claim, request, address)
    if (refusal !== null) {
      refuse(socket, refusal)
      return
    }
    const headers = headersOf(request)
    const url = urlOf(request)
    wss.handleUpgrade(request, socket, head, (ws) => {
      const pipe = new WsPipe(ws, claim.quotas.limits)
      const open = { server, group: claim.group, close: (reason: string) => pipe.close(reason) }
      const closed = claim.quotas.opened(address)
      registry().open.add(open)
      ws.once("close", () => {
        registry().open.delete(open)
        closed()
      })
      claim.visit({ pipe, address, headers, url })
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
/** What a refused client is told to wait; ours waits a random while that doubles. */
const RETRY_SECONDS = 5

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

interface Refusal {
  readonly status: number
  readonly code: ErrorCode
}

function refusalOf(claim: Claim, request: IncomingMessage, address: string): Refusal | null {
  if (claim.isClosed()) return { status: 503, code: "SERVER_CLOSING" }
  const { headers } = request
  const isAllowed =
    hasOneEach(request) &&
    isOriginAllowed(
      {
        origin: headers.origin,
        host: hostOf({ headers }, claim.trustProxy),
        hasCookie: headers.cookie !== undefined,
        isSecure: isSecure(request),
      },
      claim.origins,
    )
  if (!isAllowed) return { status: 403, code: "ORIGIN_REFUSED" }
  if (claim.quotas.mayUpgrade(address)) return null
  if (claim.trustProxy === 0 && headers["x-forwarded-for"] !== undefined) sayProxy()
  return { status: 429, code: "RATE_LIMITED" }
}

/** Of two Host or Origin headers each reader takes another: only one of each says anything. */
function hasOneEach({ headersDistinct }: IncomingMessage): boolean {
  return (headersDistinct.host?.length ?? 0) <= 1 && (headersDistinct.origin?.length ?? 0) <= 1
}

function sayProxy(): void {
  const said = shared("proxy-unknown", () => ({ isSaid: false }))
  if (!said.isSaid)
    report(
      "WARNING: refusing what comes through a proxy as one address; createLf({ trustProxy: 1 }) tells its users apart",
    )
  said.isSaid = true
}

/** A plain answer instead of the upgrade, and the end of the connection. */
function refuse(socket: Duplex, { status, code }: Refusal): void {
  const body = JSON.stringify({ code, message: ERROR_CODES[code] })
  const later = status === 429 ? `Retry-After: ${RETRY_SECONDS}\r\n` : ""
  socket.on("error", () => {}) // it may be gone already
  socket.once("finish", () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n${later}` +
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
