import type { IncomingMessage } from "node:http"
import type { ConnectionQuotas, UnadmittedPipe } from "../limits/connection-quotas.ts"
import type { Log } from "../log/log.ts"
import { processGlobal } from "../process/globals.ts"
import { hostOf } from "./client-address.ts"
import { type HostRules, isForwarded, isHostAllowed } from "./host-list.ts"
import { isOriginAllowed } from "./origin.ts"
import type { Refusal } from "./refuse-upgrade.ts"
import { isSecure } from "./request-facts.ts"

/** A path on which clients connect, and who may. */
export interface ConnectionRoute {
  readonly path: string
  /** Connections of one group are closed together: the data directory. */
  readonly group: string
  readonly origins: ReadonlySet<string>
  readonly hostRules: HostRules
  readonly quotas: ConnectionQuotas
  readonly log: Log
  isClosed(): boolean
  accept(connection: { pipe: UnadmittedPipe; address: string; headers: Headers; url: URL }): void
}

export const CLOSING: Refusal = { status: 503, code: "SERVER_CLOSING" }

/** Why a request may not connect here; null: it may. Counts as one connection of its address. */
export function refusalOf(route: ConnectionRoute, request: IncomingMessage, address: string): Refusal | null {
  const refusal = foreignRefusal(route, request)
  if (refusal !== null || route.quotas.mayUpgrade(address)) return refusal
  if (route.hostRules.trustProxy === 0 && request.headers["x-forwarded-for"] !== undefined)
    sayOnce(route.log, "proxy-untrusted", "createLf({ trustProxy: 1 }) counts the users behind a proxy one by one")
  return { status: 429, code: "RATE_LIMITED" }
}

/** Whether it is for another host, or of a page of another origin. */
export function foreignRefusal(route: ConnectionRoute, request: IncomingMessage): Refusal | null {
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
  return isAllowed ? null : { status: 403, code: "ORIGIN_REFUSED" }
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
