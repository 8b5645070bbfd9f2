import type { Lsn } from "../base/lsn.ts"
import type { Rejection } from "../network/message.ts"
import type { Database } from "../sqlite/database.ts"
import { readRejections } from "../timeline/internal-tables.ts"
import type { MutationOutcome } from "../timeline/outcome.ts"
import type { Timeline } from "../timeline/timeline.ts"
import type { RejectedMutation } from "./local-entries.ts"

/** What the base says of our mutations up to some position. */
export interface DecidedMutations {
  readonly decided: readonly MutationOutcome[]
  readonly rejections: readonly RejectedMutation[]
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
  const codes = readRejections(db, timeline.clientId, timeline.start(), dropTo)
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
