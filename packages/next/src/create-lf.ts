import { resolve } from "node:path"
import type { Mutator } from "@lf/core"
import { Gate, type GateOptions } from "./gate.ts"
import { type Handlers, handlers } from "./handlers.ts"
import { checkOrigins } from "./origin.ts"
import { type RoomLimits, Rooms } from "./rooms.ts"
import { openServerDocument, type ServerDocument } from "./server-document.ts"
import { isBuilding, isProduction, shared } from "./shared.ts"
import { claimUpgrades, closeSockets } from "./upgrade.ts"
import { RECHECK_MS, welcomeVisitor } from "./visit.ts"

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
  /** For tests: smaller limits than the documented ones. */
  readonly limits?: Partial<RoomLimits> & { readonly recheckMs?: number }
}

/** The server side of an app. */
export interface Lf<P extends { readonly id: string }> {
  readonly handlers: Handlers
  /** The document for this process. "system" is not asked for permission. @throws DOC_ID_INVALID later, when it is used */
  document(id: string, options: { readonly as: P | null | "system" }): ServerDocument
  /** Lets nobody in any more, flushes and closes every document, gives the directory back. Calling it twice is calling it once. */
  close(): Promise<void>
}

/**
 * Serves the documents in `dataDir` on WebSockets at `path`, and to this process. The directory is locked by the first
 * visitor, not here.
 * @throws AUTHORIZE_MISSING in production without `authorize`
 */
export function createLf<P extends { readonly id: string }>(options: LfOptions<P>): Lf<P> {
  const { mutator, path = "/api/lf", limits = {} } = options
  const gate = new Gate<P>(options)
  const origins = checkOrigins(options.origins ?? [])
  const dataDir = resolve(/* turbopackIgnore: true */ options.dataDir ?? process.env.LF_DATA_DIR ?? ".lf")
  const rooms = roomsIn({ dataDir, mutator, limits })
  if (!isBuilding()) {
    claimUpgrades({
      path,
      group: dataDir,
      origins,
      isClosed: () => rooms.isClosed,
      visit: (pipe, request) =>
        welcomeVisitor({ gate, rooms, pipe, ...request, recheckMs: limits.recheckMs ?? RECHECK_MS }),
    })
  }
  return {
    handlers,
    document: (doc, { as }) => openServerDocument({ gate, rooms, doc, as }),
    close: () => closeRooms(rooms),
  }
}

/** Closes every `Lf` of this process, in whichever bundle it was made: for a server that does not import the app's own. */
export async function closeAllLf(): Promise<void> {
  await Promise.all(Array.from(allRooms().values(), closeRooms))
}

function allRooms(): Map<string, Rooms> {
  return shared("rooms", () => new Map<string, Rooms>())
}

/** One `Rooms` per directory, shared by the bundles of a process. */
function roomsIn(options: { dataDir: string; mutator: Mutator; limits: Partial<RoomLimits> }): Rooms {
  const { dataDir, mutator } = options
  const known = allRooms().get(dataDir)
  if (known === undefined) {
    const rooms = new Rooms(options)
    allRooms().set(dataDir, rooms)
    return rooms
  }
  // In production all copies are of one build; in development the newest has the code as it was just edited.
  if (!isProduction()) known.adopt(mutator)
  return known
}

async function closeRooms(rooms: Rooms): Promise<void> {
  await rooms.close()
  if (allRooms().get(rooms.dataDir) === rooms) allRooms().delete(rooms.dataDir)
  await closeSockets(rooms.dataDir, CLOSE_MS_MAX)
}
