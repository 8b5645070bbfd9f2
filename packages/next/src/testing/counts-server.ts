// A server in a process of its own that reports its counts of sockets, timers and entries.
import { createHook } from "node:async_hooks"
import { readdirSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Reauthorizer } from "../auth/reauthorizer.ts"
import { createLf } from "../create-lf.ts"
import type { Rooms } from "../documents/rooms.ts"
import type { ConnectionCounts, ConnectionQuotas } from "../limits/connection-quotas.ts"
import { processGlobal } from "../process/globals.ts"
import { mutator } from "./fixture.ts"

/** Each is a count at this moment. */
export interface Counts extends ConnectionCounts {
  readonly sockets: number
  readonly descriptors: number
  readonly timers: number
  readonly resources: number
  readonly serverListeners: number
  readonly processListeners: number
  readonly openSockets: number
  readonly unanswered: number
  readonly reauthorizer: number
  readonly rooms: number
}

/** Includes unref'd ones, which Node's own list leaves out. */
const timers = new Set<number>()
createHook({
  init(id, type) {
    if (type === "Timeout") timers.add(id)
  },
  destroy(id) {
    timers.delete(id)
  },
}).enable()

async function serve(dataDir: string): Promise<void> {
  createLf({
    mutator,
    dataDir,
    log: () => {},
    limits: {
      connectionsPerAddressMax: 10_000,
      connectionsPerPrincipalMax: 10_000,
      upgradesPerAddressPerMinute: 1_000_000,
      unansweredUpgradesPerAddressMax: 1_000,
      createsPerPrincipalPerHour: 1_000_000,
      helloMsMax: 2_000,
      upgradeMsMax: 200,
      idleMs: 50,
    },
    authenticate: async ({ token }) => {
      if (token === "refused") throw new Error("refused")
      return token === null ? null : { id: token }
    },
    authorize: async ({ doc }) => doc !== "forbidden",
  })
  const server = createServer((_request, response) => response.end("plain"))
  server.on("upgrade", () => {}) // like Next, ignores unknown paths
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  process.on("message", () => {
    server.getConnections((_error, sockets) => {
      const serverStates = processGlobal(
        "serverStates",
        () => new Map<string, { rooms: Rooms; quotas: ConnectionQuotas; reauthorizer: Reauthorizer }>(),
      )
      const { open, unanswered } = processGlobal("claims", () => ({ open: new Set(), unanswered: { size: 0 } }))
      const [{ rooms, quotas, reauthorizer }] = serverStates.values()
      process.send?.({
        ...quotas.counts,
        sockets,
        descriptors: readdirSync("/proc/self/fd").length,
        timers: timers.size,
        resources: process.getActiveResourcesInfo().length,
        serverListeners: count(server),
        processListeners: count(process),
        openSockets: open.size,
        unanswered: unanswered.size,
        reauthorizer: reauthorizer.size,
        rooms: rooms.openCount,
      } satisfies Counts)
    })
  })
  process.send?.((server.address() as AddressInfo).port)
}

function count(emitter: NodeJS.EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
}

if (process.send !== undefined && process.argv[2] !== undefined) await serve(process.argv[2])
