// npm run proof -- failover: three of the demo's Next servers on one PostgreSQL, and twelve clients or two hundred, three of them without
// WebSockets, whom a proxy spreads over them.
// One server is killed, one is paused until the others have taken over and then woken, then all are replaced one after the
// other as a deploy does it: every document changes its owner again and again under writing clients. In some rounds documents are
// spread over a second database meanwhile (`lf rebalance`).

import { setTimeout as sleep } from "node:timers/promises"
import { SeededRandom } from "@lf/core/testing"
import { postgresStore } from "../../packages/postgres/src/store.ts"
import { admin } from "../../packages/postgres/src/testing/admin.ts"
import type { Proof } from "../proof.ts"
import { Client } from "./client.ts"
import { Fleet } from "./fleet.ts"
import type { NextServer } from "./next-server.ts"
import { proveOnPostgres } from "./on-postgres.ts"
import { conclude, settle } from "./verdict.ts"

const SERVERS = 3
/** Clients without a WebSocket, as many as one browser has streams: their streams and their requests reach different servers. */
const STREAMS = 3

interface Round {
  readonly clients: number
  readonly documents: number
  readonly databases: 1 | 2
  /** Of each client, between two mutations: the machine has servers, clients and the database. */
  readonly pauseMs: number
  /** A document whose owner is still there has the next mutation within this time, or was interrupted. */
  readonly uninterruptedMs: number
  /** After the end of a server: until the first document goes on, and until all do. */
  readonly firstMsMax: number
  readonly allMsMax: number
  /** While servers are replaced, of one mutation until it is durable. */
  readonly p99MsMax: number
}

/** The lease of a server that is gone, and a second for the rest; documents are opened on a machine that has just started a server. */
const FEW = { pauseMs: 150, uninterruptedMs: 1_000, firstMsMax: 3_000, allMsMax: 5_000, p99MsMax: 2_500 } as const
/** A document's next mutation may come as late as its client's pause. */
const MANY = { pauseMs: 2_500, uninterruptedMs: 3_500, firstMsMax: 5_500, allMsMax: 7_500, p99MsMax: 6_000 } as const

const ROUNDS: readonly Round[] = [
  { clients: 12, documents: 1, databases: 1, ...FEW },
  { clients: 12, documents: 6, databases: 2, ...FEW },
  { clients: 200, documents: 200, databases: 1, ...MANY },
]
/** Between two replacements, when all is well again: the start of a server takes most of a small machine. */
const CALM_MS = 1_000
/** What a woken server may still try with the batches that it has. */
const WOKEN_MS = 300

await proveOnPostgres({ name: "failover", unit: "ends of a server" }, playRound)

async function playRound(proof: Proof, seed: number, connectionString: string): Promise<string | null> {
  const random = new SeededRandom(seed)
  const round = ROUNDS[seed % ROUNDS.length]
  const { documents, databases, pauseMs } = round
  const shards = databases === 1 ? [connectionString] : await twoDatabases(connectionString, seed)
  const docIds = Array.from({ length: documents }, (_, i) => `doc-${seed}-${i}`)
  await makeDocuments(shards, docIds)
  const fleet = await Fleet.start(shards.join(" "), SERVERS)
  const clients: Client[] = []
  try {
    for (let i = 0; i < round.clients; i++) {
      const options = { pauseMs, isBlocked: i < STREAMS }
      clients.push(await Client.start(fleet.port, docIds[i % documents], `client ${i}`, options))
    }
    await settle(() => clients.every((client) => client.isConnected))
    for (const end of [kill, pause]) {
      await sleep(random.between(20, 400))
      const taken = await end(fleet, random.pick(fleet.servers), { clients, round })
      if (taken.firstMs > round.firstMsMax || taken.allMs > round.allMsMax)
        return `I14: only ${Math.round(taken.firstMs)} to ${Math.round(taken.allMs)} ms after ${end.name} do documents go on`
      proof.worst(
        `ms until the first document goes on after ${end.name}, ${documents} documents`,
        Math.round(taken.firstMs),
      )
      proof.worst(`ms until all go on after ${end.name}, ${documents} documents`, Math.round(taken.allMs))
      proof.count()
    }
    if (shards.length > 1) {
      const failure = await spread(proof, shards)
      if (failure !== null) return failure
    }
    const sinceMs = performance.now()
    for (const server of [...fleet.servers]) {
      await fleet.replace(server, "SIGTERM")
      await settle(() => clients.every((client) => client.isConnected))
      await sleep(CALM_MS)
      proof.count()
    }
    const p99Ms = percentile(await latencies(clients, sinceMs), 0.99)
    if (p99Ms > round.p99MsMax) return `${Math.round(p99Ms)} ms is the p99 of a mutation while servers are replaced`
    proof.worst(`ms p99 of a mutation while servers are replaced, ${documents} documents`, Math.round(p99Ms))
    return await conclude(proof, clients)
  } finally {
    for (const client of clients) await client.stop()
    await fleet.end()
  }
}

/** One address may not create as many in an hour. */
async function makeDocuments(shards: readonly string[], docIds: readonly string[]): Promise<void> {
  const store = postgresStore({ shards })
  for (const docId of docIds) await (await store.open(docId)).log.close()
  await store.close()
}

/** The first one has a document, so that it has all of them until they are spread. */
async function twoDatabases(connectionString: string, seed: number): Promise<[string, string]> {
  const names = [`first_${seed}`, `second_${seed}`] as const
  for (const name of names) await admin(connectionString, `create database ${name}`)
  const [first, second] = names.map((name) => connectionString.replace(/[^/]+$/, name))
  const store = postgresStore({ connectionString: first })
  await (await store.open("zero")).log.close()
  await store.close()
  return [first, second]
}

/** Moves about half of the documents, all of which servers have open. */
async function spread(proof: Proof, shards: readonly string[]): Promise<string | null> {
  const store = postgresStore({ shards })
  try {
    const startedMs = performance.now()
    const { moved, left } = await store.rebalance()
    if (left.length > 0) return `${left.map(({ document, error }) => `${document}: ${error.message}`)} did not move`
    if (moved > 0) proof.worst("ms for a document to move", Math.round((performance.now() - startedMs) / moved))
    proof.count()
    return null
  } finally {
    await store.close()
  }
}

interface Load {
  readonly clients: readonly Client[]
  readonly round: Round
}

async function kill(fleet: Fleet, server: NextServer, load: Load): Promise<Taken> {
  await server.end("SIGKILL")
  const taken = await takenOver(load)
  await fleet.replace(server, "SIGKILL")
  return taken
}

async function pause(fleet: Fleet, server: NextServer, load: Load): Promise<Taken> {
  server.signal("SIGSTOP")
  fleet.leaveOut(server)
  const taken = await takenOver(load)
  server.signal("SIGCONT")
  await sleep(WOKEN_MS)
  fleet.takeBack(server)
  return taken
}

interface Taken {
  /** Of the documents that were interrupted. */
  readonly firstMs: number
  readonly allMs: number
}

/** After how long documents have mutations that were made since now. One that another server owned goes on all the time. */
async function takenOver({ clients, round }: Load): Promise<Taken> {
  const sinceMs = performance.now()
  const goesOnMs = new Map<string, number>()
  const documents = new Set(clients.map(({ docId }) => docId))
  await settle(() => {
    for (const { docId } of clients.filter((one) => one.hasWrittenSince(sinceMs)))
      if (!goesOnMs.has(docId)) goesOnMs.set(docId, performance.now() - sinceMs)
    return goesOnMs.size === documents.size
  })
  const interrupted = [...goesOnMs.values()].filter((ms) => ms > round.uninterruptedMs)
  return { firstMs: interrupted.length === 0 ? 0 : Math.min(...interrupted), allMs: Math.max(...goesOnMs.values()) }
}

/** Of every mutation that was made since then, when all are durable. */
async function latencies(clients: readonly Client[], sinceMs: number): Promise<number[]> {
  const untilMs = performance.now()
  const made = () => clients.flatMap((client) => client.writesBetween(sinceMs, untilMs))
  await settle(() => made().every(({ okAt }) => okAt !== null))
  return made().map(({ invokedAt, okAt }) => (okAt ?? Number.POSITIVE_INFINITY) - invokedAt)
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0
}
