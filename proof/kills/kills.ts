// npm run proof -- kills: the demo's own Next server, killed at random moments while clients write over WebSockets. Half of
// the time its successor is there already, as when containers are replaced: refused until the kill, owner right after it.

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { loadChecksum, SeededRandom, sql } from "@lf/core/testing"
import { judge as judgeHistory } from "../history/check.ts"
import { type Proof, prove } from "../proof.ts"
import { Client, list } from "./client.ts"
import { type NextServer, startNext } from "./next-server.ts"

const KILLS_EACH = 10
const CLIENTS = 3
const SETTLE_MS_MAX = 60_000
/** The successor's next health check asks for the directory: no time-out of any kind is in it. */
const TAKEOVER_MS_MAX = 2_000

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
  const random = new SeededRandom(seed)
  let server = await startNext({ dataDir })
  try {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => Client.start(server.port, `doc-${seed}`, `client ${i}`)),
    )
    for (let kill = 0; kill < KILLS_EACH; kill++) {
      const successor = kill % 2 === 0 ? null : await startNext({ dataDir })
      await sleep(random.between(20, random.pick([60, 400])))
      const early = await successor?.health()
      await server.end("SIGKILL")
      server = successor ?? (await startNext({ dataDir, port: server.port }))
      if (successor !== null) {
        if (early !== "SERVER_DIRECTORY_OWNED") return `I14: beside a living owner the second says ${early}`
        const takeoverMs = await takeover(successor)
        if (takeoverMs > TAKEOVER_MS_MAX) return `I14: ${takeoverMs} ms after the kill the second has not taken over`
        proof.worst("ms to take over", Math.round(takeoverMs))
      }
      for (const client of clients) client.turnTo(server.port)
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

/** How long it takes until the server owns the directory. */
async function takeover(server: NextServer): Promise<number> {
  const sinceMs = performance.now()
  const passedMs = () => performance.now() - sinceMs
  while ((await server.health()) !== "ok" && passedMs() <= TAKEOVER_MS_MAX) await sleep(10)
  return passedMs()
}

/** Every mutation was decided once, all clients have the same pages, and no client ever saw another epoch. */
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
  const history = clients.flatMap((client) => client.history)
  const wrong = judgeHistory(
    history,
    first.query(list).map(({ id }) => id),
  )
  return wrong === null ? null : `I2 I3: ${wrong}`
}

async function settle(holds: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + SETTLE_MS_MAX
  while (performance.now() < untilMs) {
    if (holds()) return true
    await sleep(10)
  }
  return false
}
