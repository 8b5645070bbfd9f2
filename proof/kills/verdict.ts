import { setTimeout as sleep } from "node:timers/promises"
import { sql } from "@lf/core/testing"
import { judge as judgeHistory } from "../history/check.ts"
import type { Proof } from "../proof.ts"
import { type Client, list } from "./client.ts"

const SETTLE_MS_MAX = 60_000

/** Of one document: every mutation was decided once, all clients have the same pages, and no client ever saw another epoch. */
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

/** The verdict on a round; counts its mutations, and stops its clients. */
export async function conclude(proof: Proof, clients: readonly Client[]): Promise<string | null> {
  const verdicts: (string | null)[] = []
  for (const docId of new Set(clients.map((client) => client.docId)))
    verdicts.push(await judge(clients.filter((client) => client.docId === docId)))
  proof.also(
    "mutations",
    clients.reduce((sum, { sent }) => sum + sent.length, 0),
  )
  for (const client of clients) await client.stop()
  return verdicts.find((verdict) => verdict !== null) ?? null
}

/** Answers whether it came to hold in time. */
export async function settle(holds: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + SETTLE_MS_MAX
  while (performance.now() < untilMs) {
    if (holds()) return true
    await sleep(10)
  }
  return false
}
