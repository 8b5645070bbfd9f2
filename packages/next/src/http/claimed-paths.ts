import { Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Server as HttpsServer } from "node:https"
import type { Duplex } from "node:stream"
import { LIMITS } from "../limits/limits.ts"
import { afterStop } from "../node/stop-signals.ts"
import { processGlobal } from "../process/globals.ts"
import { refuse } from "./refuse-upgrade.ts"
import { addressIn, pathOf } from "./request-facts.ts"
import { UnansweredUpgrades, type UpgradeLimits } from "./unanswered-upgrades.ts"

/** What is answered on a path before the process's other listeners see it. */
export interface Claim {
  upgrade(server: object, request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** False: it is left to the route file. */
  answer(server: object, request: IncomingMessage, response: ServerResponse): boolean
}

/** A client's connection, of a socket or of an event stream. */
interface OpenConnection {
  readonly server: object
  readonly group: string
  close(reason: string): void
}

interface Registry {
  readonly claimByPath: Map<string, Claim>
  readonly open: Set<OpenConnection>
  readonly unanswered: UnansweredUpgrades
  /** Servers that were closed and are not listening again. */
  readonly closed: WeakSet<object>
  trustProxy: number
  isPatched: boolean
}

function registry(): Registry {
  return processGlobal("claims", () => ({
    claimByPath: new Map(),
    open: new Set(),
    unanswered: new UnansweredUpgrades(LIMITS),
    closed: new WeakSet(),
    trustProxy: 0,
    isPatched: false,
  }))
}

/** Claims a path on every HTTP server in this process. The newest claim on a path wins. */
export function claimPath(path: string, claim: Claim, rules: { limits: UpgradeLimits; trustProxy: number }): void {
  const state = registry()
  state.unanswered.limits = rules.limits
  state.trustProxy = rules.trustProxy
  state.claimByPath.set(path, claim)
  patchServers(state)
}

export function isClosing(server: object): boolean {
  return registry().closed.has(server)
}

/** Keeps an open connection until `ended` is called, so that it is closed with its server or its group. */
export function keepOpen(connection: OpenConnection): { ended(): void } {
  const { open } = registry()
  open.add(connection)
  return { ended: () => void open.delete(connection) }
}

/** Closes the connections of a group and waits until they are closed, at most `waitMsMax`. */
export async function closeConnections(group: string, waitMsMax: number): Promise<void> {
  const { open } = registry()
  const ours = () => Array.from(open).filter((connection) => connection.group === group)
  for (const connection of ours()) connection.close("SERVER_CLOSING")
  const endMs = performance.now() + waitMsMax
  while (ours().length > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

const POLL_MS = 10

/** The claim on a path, or on one below a `basePath`, which only Next's bundles know. */
function claimOn({ claimByPath }: Registry, path: string): Claim | undefined {
  const claimed = [...claimByPath.keys()].filter((claim) => path.endsWith(claim))
  claimed.sort((a, b) => b.length - a.length)
  return claimByPath.get(claimed[0] ?? path)
}

/**
 * Wraps two methods of Node's servers, once per process. Next has no API for upgrades in a route, but every way to run
 * it (`next dev`, `next start`, standalone, a custom server) emits "upgrade" on a server of Node. `close` would wait for
 * connections that never end by themselves: under `next start` a stop would hang.
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
      if (event === "request") {
        // Node's arguments of "request".
        const [asked, response] = [request as IncomingMessage, socket as ServerResponse]
        const claim = claimOn(state, pathOf(asked))
        const isAnswered = claim !== undefined && (answersTrace(asked, response) || claim.answer(this, asked, response))
        return isAnswered || goOn()
      }
      if (event !== "upgrade") return goOn()
      // Node's arguments of "upgrade".
      const [asked, stream, first] = [request as IncomingMessage, socket as Duplex, head as Buffer]
      const claim = claimOn(state, pathOf(asked))
      if (claim === undefined) return leaveToOthers({ state, server: this, request: asked, socket: stream, goOn })
      claim.upgrade(this, asked, stream, first)
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
function answersTrace(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== "TRACE") return false
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
