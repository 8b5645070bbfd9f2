import { resolve } from "node:path"
import type { Mutator } from "@lf/core"
import { checkProxies } from "./address.ts"
import { Checks } from "./checks.ts"
import { guarded, type OnError } from "./error-report.ts"
import { Gate, type GateOptions } from "./gate.ts"
import { type Handlers, handlersOf } from "./handlers.ts"
import { type Limits, limitsOf } from "./limits.ts"
import { nodeHost } from "./node/node-host.ts"
import { checkOrigins } from "./origin.ts"
import { Quotas } from "./quotas.ts"
import { type OnApplied, Rooms } from "./rooms.ts"
import { openServerDocument, type ServerDocument } from "./server-document.ts"
import { isBuilding, isProduction, shared } from "./shared.ts"
import { claimUpgrades, closeSockets } from "./upgrade.ts"
import { welcomeVisitor } from "./visit.ts"

/** How long a stop waits for the sockets' closing handshakes. */
const CLOSE_MS_MAX = 1_000

export interface LfOptions<P extends { readonly id: string }> extends GateOptions<P> {
  readonly mutator: Mutator
  /** One server process per directory. Default: $LF_DATA_DIR, else `.lf`. */
  readonly dataDir?: string
  /** Origins that may connect besides the server's own, exactly as browsers send them: "https://app.example.com". */
  readonly origins?: readonly string[]
  /** Where the route file is, basePath included. Default: "/api/lf". */
  readonly path?: string
  /** What visitors may ask of this server. SECURITY.md lists the limits and their defaults. */
  readonly limits?: Partial<Limits>
  /**
   * How many proxies of yours stand before the server: so many entries of X-Forwarded-For (or Forwarded) are believed, and
   * their X-Forwarded-Host. Default: 0. Behind a proxy without this all users share one address and its limits.
   */
  readonly trustProxy?: number
  /**
   * The place for side effects (mails, payments): called for each mutation that was applied and is durable, the server's own
   * included, per document one at a time and in the order of application. At least once: after a crash, or when it throws
   * or rejects (with a growing pause), it gets the same `uid` again, and the document's later effects wait for it. Catch what
   * trying again does not mend. It runs while the document is open; what is left is called at its next opening. A document
   * that was written without this option begins with what is applied from then on, and so does a restored one.
   */
  readonly onApplied?: OnApplied
  /**
   * Told of everything that fails at the server: a mutator that throws something else than a `Reject`, a query or mutation
   * that is stopped, a document that cannot be opened or stops, `authenticate`, `authorize` and `onApplied` that throw. Each
   * is a line in the log as well. For your error tracker; what it throws is reported and changes nothing.
   */
  readonly onError?: OnError
}

/** The server side of an app. */
export interface Lf<P extends { readonly id: string }> {
  readonly handlers: Handlers
  /** The document for this process. "system" is not asked for permission. @throws DOC_ID_INVALID later, when it is used */
  document(id: string, options: { readonly as: P | null | "system" }): ServerDocument
  /**
   * Asks `authenticate` and `authorize` again now, for the connections of one user (null: of nobody), or for all. Call it
   * when a user signs out or loses a right; without it that is noticed within `limits.recheckMs`.
   */
  recheck(user?: string | null): Promise<void>
  /** Lets nobody in any more, flushes and closes every document, gives the directory back. Calling it twice is calling it once. */
  close(): Promise<void>
}

/**
 * Serves the documents in `dataDir` on WebSockets at `path`, and to this process. The directory is locked by the first
 * visitor, not here.
 * @throws AUTHORIZE_MISSING in production without `authorize`; TypeError for options that mean nothing
 */
export function createLf<P extends { readonly id: string }>(options: LfOptions<P>): Lf<P> {
  const { mutator, onApplied, path = "/api/lf" } = options
  const onError = options.onError === undefined ? undefined : guarded(options.onError)
  const trustProxy = checkProxies(options.trustProxy ?? 0)
  const limits = limitsOf(options.limits)
  const gate = new Gate<P>(options, limits.authMsMax, onError)
  const origins = checkOrigins(options.origins ?? [])
  const dataDir = resolve(/* turbopackIgnore: true */ options.dataDir ?? process.env.LF_DATA_DIR ?? ".lf")
  const house = houseIn({ dataDir, mutator, limits, onApplied, onError })
  const { rooms, quotas, checks } = house
  if (!isBuilding()) {
    claimUpgrades({
      path,
      group: dataDir,
      origins,
      trustProxy,
      quotas,
      isClosed: () => rooms.isClosed,
      visit: (visitor) => welcomeVisitor({ gate, rooms, quotas, checks, onError, ...visitor }),
    })
  }
  return {
    handlers: handlersOf({ origins, trustProxy, trouble: () => rooms.trouble() }),
    document: (doc, { as }) => openServerDocument({ gate, rooms, doc, as }),
    recheck: (user) => checks.now(user),
    close: () => closeHouse(house),
  }
}

/** Closes every `Lf` of this process, in whichever bundle it was made: for a server that does not import the app's own. */
export async function closeAllLf(): Promise<void> {
  await Promise.all(Array.from(allHouses().values(), closeHouse))
}

/** What the bundles of a process share of one data directory. */
interface House {
  readonly rooms: Rooms
  readonly quotas: Quotas
  readonly checks: Checks
}

function allHouses(): Map<string, House> {
  return shared("houses", () => new Map<string, House>())
}

function houseIn(options: {
  dataDir: string
  mutator: Mutator
  limits: Limits
  onApplied: OnApplied | undefined
  onError: OnError | undefined
}): House {
  const { dataDir, mutator, limits, onApplied, onError } = options
  const known = allHouses().get(dataDir)
  if (known === undefined) {
    const house = {
      rooms: new Rooms({ dataDir, mutator, limits, onApplied, onError }),
      quotas: new Quotas(limits),
      checks: new Checks(nodeHost, limits.recheckMs),
    }
    allHouses().set(dataDir, house)
    return house
  }
  // In production all copies are of one build; in development the newest has the code as it was just edited.
  if (!isProduction()) known.rooms.adopt({ mutator, onApplied, onError })
  return known
}

async function closeHouse(house: House): Promise<void> {
  const { dataDir } = house.rooms
  await house.rooms.close()
  if (allHouses().get(dataDir) === house) allHouses().delete(dataDir)
  await closeSockets(dataDir, CLOSE_MS_MAX)
}
