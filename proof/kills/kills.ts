// npm run proof -- kills: the demo's own Next server, killed at random moments while clients write over WebSockets.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadChecksum, sql } from "../../packages/core/src/index.ts"
import { Luck } from "../../packages/core/src/testing/luck.ts"
import { type Proof, prove } from "../proof.ts"
import { Client } from "./client.ts"
import { startNext } from "./next-server.ts"

const KILLS_EACH = 10
const CLIENTS = 3
const SETTLE_MS_MAX = 60_000

await prove({ name: "kills", unit: "server kills" }, async (proof) => {
  await loadChecksum()
  const dataDir = await mkdtemp(join(tmpdir(), "lf-kills-"))
  try {
    for (const seed of proof.seeds()) {
      const verdict = await playRound(proof, seed, dataDir)
      if (verdict !== null) proof.fail(seed, verdict)
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

async function playRound(proof: Proof, seed: number, dataDir: string): Promise<string | null> {
  const luck = new Luck(seed)
  let server = await startNext({ dataDir })
  try {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.start(server.port, `doc-${seed}`)))
    for (let kill = 0; kill < KILLS_EACH; kill++) {
      await sleep(luck.between(20, luck.pick([60, 400])))
      await server.end("SIGKILL")
      server = await startNext({ dataDir, port: server.port })
      for (const client of clients) client.session.poke()
      await settle(() => clients.some((client) => client.session.state.status === "connected"))
      proof.count()
    }
    const verdict = await judge(clients)
    proof.also(
      "mutations",
      clients.reduce((sum, { sent }) => sum + sent.length, 0),
    )
    for (const client of clients) await client.stop()
    return verdict
  } finally {
    await server.end("SIGTERM")
  }
}

/** Every mutation was decided once, everybody has the same pages, and nobody ever saw another life of the document. */
async function judge(clients: readonly Client[]): Promise<string | null> {
  for (const client of clients) client.rest()
  const isSettled = await settle(() => clients.every(({ local }) => local.pendingCount === 0))
  if (!isSettled) return `I19: still pending: ${clients.map(({ local }) => local.pendingCount)}`
  await settle(() => new Set(clients.map(({ local }) => local.cursor)).size === 1)
  const wanted = clients.flatMap(({ sent }) => sent).sort()
  const [{ local: first }] = clients
  for (const { local, trouble } of clients) {
    if (trouble.size > 0) return `I5 I8: a client saw ${[...trouble]}`
    if (local.rejections.length > 0) return `I9: ${local.rejections[0].code} of ${local.rejections[0].uid}`
    if (local.base.checksum !== first.base.checksum) return "I5: clients have different pages"
    const rows = local.query(sql<{ id: string }>`select id from todos order by id`)
    if (rows.map(({ id }) => id).join() !== wanted.join()) return `I9: ${rows.length} rows of ${wanted.length}`
    const [verdict] = local.query(sql<{ n: number }>`select count(distinct id) as n from todos`)
    if (verdict.n !== wanted.length) return `I9: ${verdict.n} different rows of ${wanted.length}`
  }
  return null
}

async function settle(holds: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + SETTLE_MS_MAX
  while (performance.now() < untilMs) {
    if (holds()) return true
    await sleep(10)
  }
  return false
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
