// npm run proof -- cuts: two to four servers on one PostgreSQL, in this process, each by a network of its own to the database: it is
// slow, it breaks in the middle of statements, and it holds back for longer than a lease lasts what arrives later nevertheless, as
// from a process that was paused. A proxy spreads writing clients over the servers, and they change their server all the time.

import { setTimeout as sleep } from "node:timers/promises"
import type { Network } from "@lf/core/internal"
import { SeededRandom } from "@lf/core/testing"
import { admin } from "../../packages/postgres/src/testing/admin.ts"
import type { Proof } from "../proof.ts"
import { Client } from "./client.ts"
import { proveOnPostgres } from "./on-postgres.ts"
import { SharingServer } from "./sharing-server.ts"
import { conclude, settle } from "./verdict.ts"

const CLIENTS = 6
const PAUSE_MS = 40
const FAULTS = 8
/** The database cannot be reached, or another server had the document when it was. */
const expected = ["STORE_UNAVAILABLE", "SERVER_DIRECTORY_OWNED"]
/** A lease lasts two seconds. */
const HELD_MS = { from: 1_500, to: 4_000 }
const FLAPS = 20

/** What happens between a server and the database. */
const faults = {
  /** What was sent may have been done, and its answer is lost. */
  async cut({ proxy }: SharingServer) {
    proxy.cut()
  },
  /** Others take its documents, if it takes long; what it had sent comes afterwards. */
  async hold({ proxy }: SharingServer, random: SeededRandom) {
    proxy.hold()
    await sleep(random.between(HELD_MS.from, HELD_MS.to))
    proxy.release()
  },
  async holdAndCut({ proxy }: SharingServer, random: SeededRandom) {
    proxy.hold()
    await sleep(random.between(HELD_MS.from, HELD_MS.to))
    proxy.cut()
    proxy.release()
  },
  /** While documents are opened again. */
  async flap({ proxy }: SharingServer, random: SeededRandom) {
    for (let i = 0; i < FLAPS; i++) {
      proxy.cut()
      await sleep(random.between(0, 60))
    }
  },
  async slow({ proxy }: SharingServer, random: SeededRandom) {
    const most = random.pick([5, 50, 400])
    proxy.delayMs = () => random.between(0, most)
  },
} satisfies Record<string, (server: SharingServer, random: SeededRandom) => Promise<void>>

const FAULT_NAMES = Object.keys(faults) as (keyof typeof faults)[] // its own keys

await proveOnPostgres({ name: "cuts", unit: "faults of a server's network" }, playRound)

async function playRound(proof: Proof, seed: number, connectionString: string): Promise<string | null> {
  const random = new SeededRandom(seed)
  const count = random.between(2, 4)
  const servers = await Promise.all(Array.from({ length: count }, () => SharingServer.start(connectionString)))
  const docIds = Array.from({ length: random.between(1, 3) }, (_, i) => `doc-${seed}-${i}`)
  const network = anyOf(servers, random.fork())
  const clients: Client[] = []
  try {
    for (let i = 0; i < CLIENTS; i++)
      clients.push(
        await Client.start(0, docIds[i % docIds.length], `client ${i}`, { pauseMs: PAUSE_MS, network, expected }),
      )
    await settle(() => clients.every((client) => client.isConnected))
    for (let i = 0; i < FAULTS; i++) {
      const server = random.chance(0.3)
        ? random.pick(servers)
        : await ownerOf(random.pick(docIds), servers, connectionString)
      await faults[random.pick(FAULT_NAMES)](server, random)
      await sleep(random.between(0, 1_000))
      if (random.chance(0.4)) random.pick(servers).cutClients()
      proof.count()
    }
    for (const { proxy } of servers) {
      proxy.delayMs = () => 0
      proxy.release()
    }
    return await conclude(proof, clients)
  } finally {
    for (const client of clients) await client.stop()
    await Promise.all(servers.map((server) => server.end()))
  }
}

async function ownerOf(docId: string, servers: readonly SharingServer[], database: string): Promise<SharingServer> {
  const statement = "select owner from lf.document where doc = $1"
  const [row] = await admin<{ owner: string | null }>(database, statement, [`main/${docId}`])
  return servers.find(({ nodeId }) => nodeId === row?.owner) ?? servers[0]
}

/** Each connection goes to any of them. */
function anyOf(servers: readonly SharingServer[], random: SeededRandom): Network {
  return { connect: () => random.pick(servers).connect() }
}
