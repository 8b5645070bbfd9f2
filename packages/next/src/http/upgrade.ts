import { Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Server as HttpsServer } from "node:https"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import { FRAME_BYTES_MAX } from "@lf/core/internal"
import { WebSocketServer } from "ws"
import type { ConnectionQuotas, UnadmittedPipe } from "../limits/connection-quotas.ts"
import { LIMITS } from "../limits/limits.ts"
import type { Log } from "../log/log.ts"
import { afterStop } from "../node/stop-signals.ts"
import { WsPipe } from "../node/ws-pipe.ts"
import { processGlobal } from "../process/globals.ts"
import { addressOf, hostOf } from "./client-address.ts"
import { type HostRules, isForwarded, isHostAllowed } from "./host-list.ts"
import { isOriginAllowed } from "./origin.ts"
import { cutLater, type Refusal, refuse } from "./refuse-upgrade.ts"
import { UnansweredUpgrades } from "./unanswered-upgrades.ts"

/** The handler of a path's upgrades. */
export interface UpgradeRoute {
  readonly path: string
  /** Sockets of one group are closed together: the data directory. */
  readonly group: string
  readonly origins: ReadonlySet<string>
  readonly hostRules: HostRules
  readonly quotas: ConnectionQuotas
  readonly log: Log
  isClosed(): boolean
  accept(connection: { pipe: UnadmittedPipe; address: string; headers: Headers; url: URL }): void
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
  readonly unanswered: UnansweredUpgrades
  /** Servers that were closed and are not listening again. */
  readonly closed: WeakSet<object>
  trustProxy: number
  isPatched: boolean
}

function registry(): Registry {
  return processGlobal("upgrades", () => ({
    upgradeByPath: new Map(),
    open: new Set(),
    unanswered: new UnansweredUpgrades(LIMITS),
    closed: new WeakSet(),
    trustProxy: 0,
    isPatched: false,
  }))
}

/** Handles the WebSocket upgrades on `route.path` of every HTTP server in this process. The newest claim on a path wins. */
export function routeUpgrades(route: UpgradeRoute): void {
  const { quotas, hostRules } = route
  const state = registry()
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
  state.unanswered.limits = quotas.limits
  state.trustProxy = hostRules.trustProxy
  state.upgradeByPath.set(route.path, (server, request, socket, head) => {
    const address = addressIn(request, hostRules.trustProxy)
    const refusal = state.closed.has(server) ? CLOSING : refusalOf(route, request, address)
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
      const open = { server, group: route.group, close: (reason: string) => pipe.close(reason) }
      const closed = quotas.opened(address)
      state.open.add(open)
      ws.once("close", () => {
        state.open.delete(open)
        closed()
      })
      route.accept({ pipe, address, headers, url })
    })
    // It was answered that this is no WebSocket, and closes when that was read.
    if (!isOpen) cutLater(socket)
  })
  patchServers(state)
}

/** 1 MiB in pieces of 128 bytes, or in fragments of 1 KiB: smaller ones are an attack on memory. */
const CHUNKS_MAX = 8_192
const FRAGMENTS_MAX = 1_024

/** Closes the sockets of a group and waits until they are closed, at most `waitMsMax`. */
export async function closeSockets(group: string, waitMsMax: number): Promise<void> {
  const { open } = registry()
  const ours = () => Array.from(open).filter((socket) => socket.group === group)
  for (const socket of ours()) socket.close("SERVER_CLOSING")
  const endMs = performance.now() + waitMsMax
  while (ours().length > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

const POLL_MS = 10
const CLOSING: Refusal = { status: 503, code: "SERVER_CLOSING" }

/** The handler of a path, or of one below a `basePath`, which only Next's bundles know. */
function upgradeAt({ upgradeByPath }: Registry, path: string): Upgrade | undefined {
  const claimed = [...upgradeByPath.keys()].filter((claim) => path.endsWith(claim))
  claimed.sort((a, b) => b.length - a.length)
  return upgradeByPath.get(claimed[0] ?? path)
}

/**
 * Wraps two methods of Node's servers, once per process. Next has no API for upgrades in a route, but every way to run
 * it (`next dev`, `next start`, standalone, a custom server) emits "upgrade" on a server of Node. `close` would wait for
 * sockets that never end by themselves: under `next start` a stop would hang.
 */
function patchServers(state: Registry): void {
  if (state.isPatched) return
  state.isPatched = true
  for (const prototype of [HttpServer.prototype, HttpsServer.prototype]) {
    const { emit, close } = prototype
    wrap(prototype, "emit", function (this: object, ...args: unknown[]) {
      const [event, request, socket, head] = args
      if (event === "listening") state.closed.delete(this)
      const goOn = () => Reflect.apply(emit, this, args) as boolean // emit's own result
      if (event === "request")
        return answersTrace(state, request as IncomingMessage, socket as ServerResponse) || goOn()
      if (event !== "upgrade") return goOn()
      // Node's arguments of "upgrade".
      const [asked, stream, first] = [request as IncomingMessage, socket as Duplex, head as Buffer]
      const upgrade = upgradeAt(state, pathOf(asked))
      if (upgrade === undefined) return leaveToOthers({ state, server: this, request: asked, socket: stream, goOn })
      upgrade(this, asked, stream, first)
      return true
    })
    wrap(prototype, "close", function (this: object, ...args: unknown[]) {
      const [done, ...rest] = args
      const later = typeof done === "function" ? (...results: unknown[]) => afterStop(() => done(...results)) : done
      const result = Reflect.apply(close, this, [later, ...rest])
      state.closed.add(this)
      for (const open of state.open) if (open.server === this) open.close("SERVER_CLOSING")
      state.unanswered.cut(this)
      return result
    })
  }
}

/** Next makes a `Request` of every call of a route, which throws on TRACE: each would be a 500 with a logged stack. */
function answersTrace(state: Registry, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== "TRACE" || upgradeAt(state, pathOf(request)) === undefined) return false
  response.writeHead(405, { Allow: "GET, HEAD, POST, OPTIONS" }).end()
  return true
}

function wrap(prototype: object, name: string, value: (this: object, ...args: unknown[]) => unknown): void {
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
}

/** No claim has this path: the process's other listeners may answer within `upgradeMsMax` (S20). */
function leaveToOthers(upgrade: {
  readonly state: Registry
  readonly server: object
  readonly request: IncomingMessage
  readonly socket: Duplex
  goOn(): boolean
}): true {
  const { state, server, request, socket, goOn } = upgrade
  const address = addressIn(request, state.trustProxy)
  const status = state.closed.has(server) ? 503 : state.unanswered.refusalOf(address)
  if (status !== null) {
    refuse(socket, { status })
    return true
  }
  state.unanswered.add(socket, { server, address })
  if (!goOn()) refuse(socket, { status: 404 })
  return true
}

function refusalOf(route: UpgradeRoute, request: IncomingMessage, address: string): Refusal | null {
  if (route.isClosed()) return CLOSING
  const { headers } = request
  const { trustProxy } = route.hostRules
  const host = hostOf({ headers }, trustProxy)
  const hostRequest = { host, remoteAddress: request.socket.remoteAddress, isForwarded: isForwarded(headers) }
  if (!isHostAllowed(hostRequest, route.hostRules)) {
    sayOnce(route.log, "host-refused", 'createLf({ hosts: ["app.example.com"] }) names the hosts of this server')
    return { status: 403, code: "ORIGIN_REFUSED" }
  }
  const origin = { origin: headers.origin, host, hasCookie: headers.cookie !== undefined, isSecure: isSecure(request) }
  const isAllowed = hasOneEach(request) && isOriginAllowed(origin, route.origins)
  if (!isAllowed) return { status: 403, code: "ORIGIN_REFUSED" }
  if (route.quotas.mayUpgrade(address)) return null
  if (trustProxy === 0 && headers["x-forwarded-for"] !== undefined)
    sayOnce(route.log, "proxy-untrusted", "createLf({ trustProxy: 1 }) counts the users behind a proxy one by one")
  return { status: 429, code: "RATE_LIMITED" }
}

/** Of two Host or Origin headers each parser picks another, so exactly one of each is required. */
function hasOneEach({ headersDistinct }: IncomingMessage): boolean {
  return (headersDistinct.host?.length ?? 0) <= 1 && (headersDistinct.origin?.length ?? 0) <= 1
}

/** Clients can cause it at will, so it is logged once. */
function sayOnce(log: Log, event: "host-refused" | "proxy-untrusted", detail: string): void {
  const said = processGlobal(event, () => ({ isSaid: false }))
  if (!said.isSaid) log({ level: "warn", event, detail })
  said.isSaid = true
}

function addressIn({ socket, headers }: IncomingMessage, trustProxy: number): string {
  return addressOf({ remoteAddress: socket.remoteAddress, headers }, trustProxy)
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
