// npm run proof -- failover: servers that share a PostgreSQL, while clients write over WebSockets. Again and again the owner of
// the document is killed, stopped as a deploy stops it, or paused until another one has taken over and then woken.

import { setTimeout as sleep } from "node:timers/promises"
import { loadChecksum, SeededRandom } from "@lf/core/testing"
import { startPostgres } from "../../scripts/postgres.mjs"
import { type Proof, prove } from "../proof.ts"
import { Client } from "./client.ts"
import { type NextServer, startNext } from "./next-server.ts"
import { conclude, settle } from "./verdict.ts"

const TAKEOVERS_EACH = 3
const CLIENTS = 3
/** The lease of a killed server, and a second for the rest. */
const TAKEOVER_MS_MAX = 3_000
/** What a woken server may still try with the batches that it has. */
const WOKEN_MS = 300

const ENDINGS = ["SIGKILL", "SIGTERM", "SIGSTOP"] as const

await prove({ name: "failover", unit: "takeovers" }, async (proof) => {
  await loadChecksum()
  const postgres = await startPostgres()
  try {
    for (const seed of proof.seeds()) {
      const verdict = await playRound(proof, seed, postgres.connectionString)
      if (verdict !== null) proof.fail(seed, verdict)
    }
  } finally {
    await postgres.stop()
  }
})

async function playRound(proof: Proof, seed: number, connectionString: string): Promise<string | null> {
  const random = new SeededRandom(seed)
  const env = { LF_DATABASE_URL: connectionString }
  let owner = await startNext({ env })
  const paused: NextServer[] = []
  let next: NextServer | null = null
  try {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => Client.start(owner.port, `doc-${seed}`, `client ${i}`)),
    )
    await settle(() => clients.some((client) => client.isConnected))
    for (let takeover = 0; takeover < TAKEOVERS_EACH; takeover++) {
      next = await startNext({ env })
      await sleep(random.between(20, random.pick([60, 400])))
      if ((await next.health()) !== "ok") return "I14: a second server of the database cannot serve"
      const ending = ENDINGS[takeover % ENDINGS.length]
      const takenMs = await takeOver({ owner, next, ending, clients })
      if (takenMs > TAKEOVER_MS_MAX)
        return `I14: ${Math.round(takenMs)} ms after ${ending} no other server has taken over`
      proof.worst(`ms to take over after ${ending}`, Math.round(takenMs))
      if (ending === "SIGSTOP") {
        owner.signal("SIGCONT")
        paused.push(owner)
        await sleep(WOKEN_MS)
      }
      owner = next
      next = null
      proof.count()
    }
    return await conclude(proof, clients)
  } finally {
    for (const server of [owner, next, ...paused]) await server?.end("SIGKILL")
  }
}

/** How long after the owner's end a client has the document from the next server. */
async function takeOver(options: {
  readonly owner: NextServer
  readonly next: NextServer
  readonly ending: (typeof ENDINGS)[number]
  readonly clients: readonly Client[]
}): Promise<number> {
  const { owner, next, ending, clients } = options
  const sinceMs = performance.now()
  if (ending === "SIGKILL") await owner.end(ending)
  else owner.signal(ending)
  for (const client of clients) client.turnTo(next.port)
  await settle(() => clients.some((client) => client.isConnected))
  const takenMs = performance.now() - sinceMs
  if (ending === "SIGTERM") await owner.end(ending)
  return takenMs
}
