import { resolve } from "node:path"
import type { Mutator } from "@lf/core"
import type { DocumentStore, StoredDocument } from "@lf/core/internal"
import { AccessControl, type AccessOptions } from "./auth/access-control.ts"
import { Reauthorizer } from "./auth/reauthorizer.ts"
import type { OnApplied, OnDurable } from "./documents/document-opener.ts"
import { FileStore } from "./documents/file-store.ts"
import { Rooms } from "./documents/rooms.ts"
import { acceptConnection } from "./http/accept-connection.ts"
import { claimPath, closeConnections } from "./http/claimed-paths.ts"
import { checkProxies } from "./http/client-address.ts"
import type { ConnectionRoute } from "./http/connection-route.ts"
import { eventStreamsOf, takeForwardedSends } from "./http/event-streams.ts"
import { checkHosts, hostsOfOrigins } from "./http/host-list.ts"
import { checkOrigins } from "./http/origin.ts"
import { type Handlers, routeHandlersOf } from "./http/route-handlers.ts"
import { upgradesOf } from "./http/upgrade.ts"
import { ConnectionQuotas } from "./limits/connection-quotas.ts"
import { type Limits, limitsOf } from "./limits/limits.ts"
import { type OnError, type Reporter, reporterOf } from "./log/error-report.ts"
import type { Log } from "./log/log.ts"
import { nodeHost } from "./node/node-host.ts"
import { closeOnSignals, forgetSignals } from "./node/stop-signals.ts"
import { isBuilding, isProduction } from "./process/environment.ts"
import { processGlobal } from "./process/globals.ts"
import { openServerDocument, type ServerDocument } from "./server-document.ts"
import { telemetry } from "./telemetry/telemetry.ts"

/** How long `close` waits for the sockets' closing handshakes. */
const CLOSE_MS_MAX = 1_000

export interface LfOptions<P extends { readonly id: string }> extends AccessOptions<P> {
  readonly mutator: Mutator
  /** One server process per directory. Default: $LF_DATA_DIR, else `.lf`. */
  readonly dataDir?: string
  /** Keeps the documents elsewhere, as `postgresStore` of @lf/postgres does, for several servers. Default: in `dataDir`. */
  readonly store?: DocumentStore | undefined
  /** Origins that may connect besides the server's own, exactly as browsers send them: "https://app.example.com". */
  readonly origins?: readonly string[]
  /**
   * The host names of this server, as browsers send them: "app.example.com", or "app.example.com:8443" for that port alone.
   * An upgrade or request for another one is refused with 403 (S24). Default: every host, except that a browser on this machine (in
   * development: on this network) without a proxy in between must name localhost, an address, or a host of `origins`.
   */
  readonly hosts?: readonly string[]
  /** Where the route file is; what stands before it, as a basePath, does not matter. Default: "/api/lf". */
  readonly path?: string
  /** What clients may use of this server. SECURITY.md lists the limits and their defaults. */
  readonly limits?: Partial<Limits>
  /**
   * The number of your own proxies in front of the server: this many entries of X-Forwarded-For (or Forwarded) are trusted,
   * and their X-Forwarded-Host. Default: 0. Behind a proxy without this all users share one address and its limits.
   */
  readonly trustProxy?: number
  /**
   * For side effects (mails, payments): called for each mutation that is applied and durable, the server's own included, per
   * document one at a time and in the order of application. At least once: after a crash, or when it throws or rejects
   * (with a growing pause), it gets the same `uid` again, and the document's later effects wait for it. Catch errors that
   * a retry does not fix. It runs while the document is open; calls that are left are made at its next opening. A document
   * that was written without this option begins with the mutations applied from then on, and so does a restored one.
   */
  readonly onApplied?: OnApplied
  /**
   * Called for each failure at the server, for your error tracker: a mutator that throws something else than a `Reject`, a query
   * or mutation that is stopped, a document that cannot be opened or stops, `authenticate`, `authorize` and `onApplied`
   * that throw. Each is a line in the log as well. An error that `onError` throws is logged and changes nothing.
   */
  readonly onError?: OnError
  /**
   * Called for each event of the log, with its fields, instead of one line on stderr; at most 600 a minute. No field quotes
   * client input or an error's message.
   */
  readonly log?: Log
  /**
   * Whether SIGTERM and SIGINT flush and close the documents of this process. Default: true. How and when the process ends is not
   * changed: a server of Node's whose `close` is called then waits for the documents, and without any other listener the signal
   * ends the process afterwards.
   */
  readonly handleSignals?: boolean
}

/** The server side of an app. */
export interface Lf<P extends { readonly id: string }> {
  readonly handlers: Handlers
  /** The document for this process. `authorize` is not called for "system". Its methods throw DOC_ID_INVALID. */
  document(id: string, options: { readonly as: P | null | "system" }): ServerDocument
  /** The documents at rest, by id, with their bytes and when they were changed. Opens none. @throws LOG_FAILED */
  documents(): Promise<StoredDocument[]>
  /**
   * Calls `authenticate` and `authorize` again now, for the connections of one user (null: anonymous), or for all. Call it
   * when a user signs out or loses a right; otherwise it takes effect within `limits.recheckMs`. Other servers of the store are asked
   * to do the same; it does not wait for them.
   */
  recheck(user?: string | null): Promise<void>
  /** Refuses new connections, flushes and closes every document, gives the directory or the store up. A second call does nothing more. */
  close(): Promise<void>
}

/**
 * Serves the documents in `dataDir`, or of `store`, on WebSockets at `path`, and to this process. The directory is locked, or the
 * database connected to, when the first document is opened, not here.
 * @throws AUTHORIZE_MISSING in production without `authorize`; TypeError for invalid options
 */
export function createLf<P extends { readonly id: string }>(options: LfOptions<P>): Lf<P> {
  const { mutator, onApplied, path = "/api/lf" } = options
  const reporter = reporterOf(options)
  const trustProxy = checkProxies(options.trustProxy ?? 0)
  if (options.store !== undefined && options.dataDir !== undefined)
    throw new TypeError("createLf: expected `store` or `dataDir`, got both; leave `dataDir` out")
  const store: DocumentStore = options.store ?? fileStore(options.dataDir, reporter)
  const limits = limitsOf(options.limits, store.blockMsMax)
  const access = new AccessControl<P>(options, limits.authMsMax, reporter)
  const origins = checkOrigins(options.origins ?? [])
  const hosts = checkHosts(options.hosts)
  const state = serverStateOf({ store, mutator, limits, onApplied, reporter })
  const { rooms, quotas, reauthorizer } = state
  if (!isBuilding()) {
    const route: ConnectionRoute = {
      path,
      group: store.name,
      origins,
      hostRules: { hosts, originHosts: hostsOfOrigins(origins), trustProxy, isProduction: isProduction() },
      quotas,
      log: reporter.log,
      isClosed: () => rooms.isClosed,
      accept: (connection) => acceptConnection({ access, rooms, quotas, reauthorizer, reporter, ...connection }),
    }
    // Not those of `store`: another bundle of the process may have made the one that is used.
    const claim = { upgrade: upgradesOf(route), answer: eventStreamsOf(route, rooms.store.peers) }
    claimPath(path, claim, { limits, trustProxy })
    if (options.handleSignals !== false) closeOnSignals(closeAllLf, reporter.log)
  }
  return {
    handlers: routeHandlersOf({ origins, hosts, trustProxy, trouble: () => rooms.trouble() }),
    document: (doc, { as }) => openServerDocument({ access, rooms, doc, as }),
    documents: () => rooms.store.list(),
    async recheck(user) {
      rooms.notify(noticeOf(user))
      await reauthorizer.now(user)
    },
    close: () => closeServerState(state),
  }
}

/** Closes every `Lf` of this process, of all bundles: for a server that does not import the app's own. */
export async function closeAllLf(): Promise<void> {
  await Promise.all(Array.from(allServerStates().values(), closeServerState))
}

/** The state of one store, shared by the bundles of a process. */
interface ServerState {
  readonly rooms: Rooms
  readonly quotas: ConnectionQuotas
  readonly reauthorizer: Reauthorizer
}

function allServerStates(): Map<string, ServerState> {
  return processGlobal("serverStates", () => new Map<string, ServerState>())
}

function fileStore(dataDir: string | undefined, reporter: Reporter): FileStore {
  const path = resolve(/* turbopackIgnore: true */ dataDir ?? (process.env.LF_DATA_DIR || ".lf"))
  return new FileStore(path, (detail) => reporter.log({ level: "warn", event: "directory-remote", detail }))
}

function serverStateOf(options: {
  store: DocumentStore
  mutator: Mutator
  limits: Limits
  onApplied: OnApplied | undefined
  reporter: Reporter
}): ServerState {
  const { store, mutator, limits, onApplied, reporter } = options
  const known = allServerStates().get(store.name)
  if (known === undefined) {
    const onDurable: OnDurable = (doc, group) => {
      try {
        telemetry(gauges).durable(doc, group)
      } catch (error) {
        // A mutation is durable, whatever becomes of its trace.
        const detail = error instanceof Error ? error.name : typeof error
        reporter.log({ level: "error", event: "telemetry-failed", doc, detail })
      }
    }
    const reauthorizer = new Reauthorizer(nodeHost, limits.recheckMs)
    const onNotice = (notice: string) => void reauthorizer.now(userOfNotice(notice))
    const state = {
      rooms: new Rooms({
        store,
        mutator,
        limits,
        onApplied,
        reporter,
        onDurable,
        onNotice,
        onServer: takeForwardedSends,
      }),
      quotas: new ConnectionQuotas(limits),
      reauthorizer,
    }
    allServerStates().set(store.name, state)
    return state
  }
  // In production all copies are of one build; in development the newest has the last edit.
  if (!isProduction()) known.rooms.adopt({ mutator, onApplied, reporter })
  return known
}

/** What servers of one store let each other know: whose connections are to be authorized again. Without a user: all. */
function noticeOf(user: string | null | undefined): string {
  return JSON.stringify(user === undefined ? {} : { user })
}

/** Of what is no notice of this release: all. */
function userOfNotice(notice: string): string | null | undefined {
  try {
    return JSON.parse(notice).user
  } catch {
    return undefined
  }
}

const gauges = {
  documents: () => sum((state) => state.rooms.openCount),
  connections: () => sum((state) => state.quotas.counts.connections),
  waiting: () => sum((state) => state.rooms.waitingCount),
}

function sum(count: (state: ServerState) => number): number {
  return Array.from(allServerStates().values(), count).reduce((all, one) => all + one, 0)
}

async function closeServerState(state: ServerState): Promise<void> {
  const { name } = state.rooms.store
  await state.rooms.close()
  if (allServerStates().get(name) === state) allServerStates().delete(name)
  if (allServerStates().size === 0) forgetSignals()
  await closeConnections(name, CLOSE_MS_MAX)
}
