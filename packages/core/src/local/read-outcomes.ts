import { type Lsn, lsn } from "../base/lsn.ts"
import type { Rejection } from "../network/message.ts"
import type { Database } from "../sqlite/database.ts"
import type { MutationOutcome } from "../timeline/outcome.ts"
import type { Timeline } from "../timeline/timeline.ts"
import type { RejectedMutation } from "./local-store.ts"
import type { Applied } from "./rebase-plan.ts"

/** What the base says of our mutations up to some position. */
export interface DecidedMutations {
  readonly decided: readonly MutationOutcome[]
  readonly rejections: readonly RejectedMutation[]
}

/** How far the base has applied the mutations of `clientId`; null: none. The base has our internal tables. */
export function readApplied(db: Database, clientId: string): Applied | null {
  const [row] = db.exec("select lsn, hash from __lf_mutations where client_id = ?", clientId)
  if (row === undefined) return null
  return { lsn: lsn(Number(row.lsn)), hash: BigInt.asUintN(64, BigInt(row.hash as number | bigint)) } // an integer column
}

/**
 * The outcomes of what is pending up to `dropTo`, in the base at `cursor`. Codes are the base's own; what `Reject` carried
 * came beside it.
 */
export function readOutcomes(options: {
  readonly db: Database
  readonly timeline: Timeline
  readonly dropTo: Lsn
  readonly cursor: Lsn
  readonly data: readonly Rejection[]
}): DecidedMutations {
  const { db, timeline, dropTo, cursor } = options
  const codes = new Map<string, string>()
  const query = "select uid, code from __lf_rejections where client_id = ? and lsn > ? and lsn <= ?"
  for (const row of db.exec(query, timeline.clientId, timeline.start(), dropTo))
    codes.set(String(row.uid), String(row.code))

  const decided: MutationOutcome[] = []
  const rejections: RejectedMutation[] = []
  const data = new Map(options.data.map((one) => [one.uid, one.data]))
  for (const { uid, name, args, at } of timeline.pendingUpTo(dropTo)) {
    const code = codes.get(uid)
    if (code === undefined) {
      decided.push({ uid, outcome: { type: "applied", lsn: cursor } })
      continue
    }
    const carried = data.get(uid) ?? null
    rejections.push({ uid, name, args, at, code, data: carried })
    decided.push({ uid, outcome: { type: "rejected", code, data: carried } })
  }
  return { decided, rejections }
}
