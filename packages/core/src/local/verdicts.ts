import { type Lsn, lsn } from "../base/lsn.ts"
import type { OutcomeData } from "../network/message.ts"
import type { Database } from "../sqlite/database.ts"
import type { Timeline } from "../timeline/timeline.ts"
import type { Rejection } from "./local-store.ts"
import type { Applied } from "./rebase-plan.ts"
import type { PendingOutcome, RemoteOutcome } from "./receipts.ts"

/** What the base says of our mutations up to some position. */
export interface Verdicts {
  readonly decided: readonly PendingOutcome[]
  readonly rejections: readonly Rejection[]
}

/** What became of a mutation that is pending no more: it is among the rejections or it was applied, at `cursor` at the latest. */
export function outcomeOf(rejection: Rejection | undefined, cursor: Lsn): RemoteOutcome {
  if (rejection === undefined) return { type: "applied", lsn: cursor }
  return { type: "rejected", code: rejection.code, data: rejection.data }
}

/** How far the base has applied the mutations of `clientId`; null: none. The base has our internal tables. */
export function readApplied(db: Database, clientId: string): Applied | null {
  const [row] = db.exec("select lsn, hash from __lf_mutations where client_id = ?", clientId)
  if (row === undefined) return null
  return { lsn: lsn(Number(row.lsn)), hash: BigInt.asUintN(64, BigInt(row.hash as number | bigint)) } // an integer column
}

/** The outcomes of what is pending up to `dropTo`. Codes are the base's own; what `Reject` carried came beside it. */
export function readVerdicts(db: Database, timeline: Timeline, dropTo: Lsn, data: readonly OutcomeData[]): Verdicts {
  const codes = new Map<string, string>()
  const query = "select uid, code from __lf_rejections where client_id = ? and lsn > ? and lsn <= ?"
  for (const row of db.exec(query, timeline.clientId, timeline.start(), dropTo))
    codes.set(String(row.uid), String(row.code))

  const decided: PendingOutcome[] = []
  const rejections: Rejection[] = []
  for (const { lsn: at, entry } of timeline.pendingWithLsn()) {
    if (at > dropTo) break
    const { uid, name, args } = entry
    const code = codes.get(uid)
    if (code === undefined) {
      decided.push({ uid, outcome: { type: "applied", lsn: at } })
      continue
    }
    const carried = data.find((one) => one.uid === uid)?.data ?? null
    rejections.push({ uid, name, args, at: entry.at, code, data: carried })
    decided.push({ uid, outcome: { type: "rejected", code, data: carried } })
  }
  return { decided, rejections }
}
