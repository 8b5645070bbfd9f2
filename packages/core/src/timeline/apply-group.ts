import { LfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import type { Author } from "./author.ts"
import type { Mutation } from "./mutation.ts"
import type { Mutator } from "./mutator.ts"
import { APPLIED, isFatal, type RunResult, rejected, rejectionOf } from "./outcome.ts"
import type { Rehearsals, Script } from "./rehearsal.ts"
import { MutationTx } from "./tx.ts"
import { runUndoably } from "./undo-log.ts"

/**
 * This part of a document's pages is room for our own rows and for migrations: a mutation is refused before it takes any
 * of it, so that what is noted of a mutation always fits (T36).
 */
const RESERVE_SHARE = 1 / 16

/** One mutation to run, and as whom. */
export interface Job {
  readonly mutation: Mutation
  readonly author: Author
  /** The server's clock when it came there; undefined on a device. */
  readonly receivedMs?: number
  /** Its outcome when that is known without running it: forbidden, quarantined, undecodable. */
  readonly decided?: RunResult
}

export interface Group {
  readonly db: Database
  readonly mutator: Mutator
  readonly side: "local" | "remote"
  readonly jobs: readonly Job[]
  /** Pages that the document may use after a mutation. One that makes it use more is rejected with DOC_TOO_LARGE. */
  readonly pagesMax: number
  /** Asked after each mutation: true leaves the rest for another group. */
  readonly isOver?: () => boolean
  /** Runs inside the same transaction after each mutation: the server notes there what it applied (I2). */
  readonly mark?: (index: number, outcome: RunResult) => void
  /** Runs inside the same transaction after the last of the `count` mutations that ran. */
  readonly finish?: (count: number) => void
  /** Called before each mutation, so that one that has to be stopped from outside can be named. */
  readonly watch?: (index: number) => void
  /** Called with what a mutation threw, `Reject` included, before it becomes an outcome without a stack. */
  readonly onThrow?: (index: number, error: unknown) => void
  /** An outcome carries the message of what was thrown. */
  readonly sendsMessages?: boolean
  /** Development: each mutator runs twice, and both runs are compared. */
  readonly rehearsals?: Rehearsals | undefined
}

export type GroupResult =
  /** One outcome per job, from the first on; fewer when `isOver` said so. */
  | { readonly type: "done"; readonly outcomes: readonly RunResult[] }
  /** SQLite crashed in job `at`: nothing of the group remains, and the connection must not be used any more (T43). */
  | { readonly type: "crashed"; readonly at: number }

/** What a run of the group found out about itself, so that it has to begin again. */
interface Findings {
  /** Jobs that ended the whole transaction, and what becomes of them. */
  readonly culprits: Map<number, RunResult>
  /** Together they used more pages than they may: each is measured. */
  isStrict: boolean
}

/** Up to which page mutations may fill a document that may have `pageCountMax`. */
export function mutationPagesMax(pageCountMax: number): number {
  return pageCountMax - Math.ceil(pageCountMax * RESERVE_SHARE)
}

/**
 * Runs mutations in one transaction, a savepoint each: one that throws leaves nothing and stops none (I10, T10). When a
 * statement ended the whole transaction (`or rollback`, an interrupt), the group runs again with that mutation marked as
 * throwing.
 * @throws SQL_CORRUPT, or SQL_CRASHED outside of any mutation; nothing of the group remains
 */
export function applyGroup(group: Group): GroupResult {
  const findings: Findings = { culprits: new Map(), isStrict: group.jobs.length === 1 }
  for (;;) {
    const result = attempt(group, findings)
    if (result !== null) return result
  }
}

/** Null when the group has to run again with what was found. */
function attempt(group: Group, findings: Findings): GroupResult | null {
  const { db, jobs, pagesMax } = group
  const { culprits } = findings
  db.exec("begin immediate")
  const usedBefore = db.pagesUsed
  try {
    const outcomes: RunResult[] = []
    for (let i = 0; i < jobs.length; i++) {
      group.watch?.(i)
      const outcome = culprits.get(i) ?? jobs[i].decided ?? runOne(group, i, findings.isStrict)
      if (db.crash !== null) return { type: "crashed", at: i }
      if (!db.inTransaction) {
        culprits.set(i, outcome.type === "rejected" ? outcome : rejected("SQL_DENIED"))
        return null
      }
      group.mark?.(i, outcome)
      outcomes.push(outcome)
      if (group.isOver?.()) break
    }
    if (!findings.isStrict && db.pagesUsed > Math.max(pagesMax, usedBefore)) {
      findings.isStrict = true
      db.exec("rollback")
      return null
    }
    group.finish?.(outcomes.length)
    db.exec("commit")
    return { type: "done", outcomes }
  } catch (error) {
    if (db.inTransaction) db.exec("rollback")
    throw error
  }
}

function runOne(group: Group, index: number, isMeasured: boolean): RunResult {
  const { db, mutator, side, jobs, onThrow, sendsMessages } = group
  const { mutation, author, receivedMs } = jobs[index]
  const rehearsed = rehearse(group, index)
  if (db.crash !== null) return rejected("SQL_CRASHED")
  if (!db.inTransaction) return endOf(group, index, rehearsed)
  const usedBefore = isMeasured ? db.pagesUsed : 0
  db.exec("savepoint lf_mutation")
  db.halfway = null
  const script = rehearsed === null ? undefined : group.rehearsals?.script()
  const tx = new MutationTx({ db, uid: mutation.uid, nowMs: mutation.at, receivedMs, author, side, script })
  try {
    if (mutator.isUndoable) runUndoably(db, { uid: mutation.uid, user: tx.user }, () => mutator.apply(tx, mutation))
    else mutator.apply(tx, mutation)
    // Also when the mutator caught it: half of a statement may leave a broken index (I16).
    if (db.halfway !== null) throw db.halfway
    if (db.crash !== null) throw db.crash
    // A deferred foreign key passes RELEASE and would fail the COMMIT, and with it all mutations of the group.
    if (db.inTransaction && db.hasDeferredViolations)
      throw new LfError("SQL_ERROR", "a foreign key refers to a row that is not there")
    if (isMeasured && db.inTransaction) checkRoom(group, usedBefore)
    if (db.inTransaction) db.exec("release lf_mutation")
    return APPLIED
  } catch (error) {
    if (isFatal(error)) throw error
    if (db.inTransaction) {
      db.exec("rollback to lf_mutation")
      db.exec("release lf_mutation")
    }
    script?.threw(error)
    onThrow?.(index, error)
    return rejectionOf(error, sendsMessages)
  } finally {
    if (rehearsed !== null && script !== undefined) group.rehearsals?.compare(mutation, rehearsed, script)
    tx.close()
    db.setBudget(Number.POSITIVE_INFINITY)
  }
}

/** The rehearsal ended the whole transaction: what a run does that ends it. */
function endOf({ onThrow, sendsMessages }: Group, index: number, rehearsed: Script | null): RunResult {
  const thrown = rehearsed?.thrown ?? null
  if (thrown === null) return rejected("SQL_DENIED")
  onThrow?.(index, thrown.error)
  return rejectionOf(thrown.error, sendsMessages)
}

/** What the mutator does when it runs for nothing; null: it is not asked. */
function rehearse({ db, mutator, side, jobs, rehearsals }: Group, index: number): Script | null {
  if (rehearsals === undefined) return null
  const { mutation, author, receivedMs } = jobs[index]
  return rehearsals.rehearse(db, mutation, (script) => {
    const tx = new MutationTx({ db, uid: mutation.uid, nowMs: mutation.at, receivedMs, author, side, script })
    try {
      mutator.apply(tx, mutation)
    } finally {
      tx.close()
    }
  })
}

/** @throws DOC_TOO_LARGE when the document is full and the mutation made it larger; one that makes it smaller is accepted */
function checkRoom({ db, pagesMax }: Group, usedBefore: number): void {
  const used = db.pagesUsed
  if (used <= pagesMax || used <= usedBefore) return
  throw new LfError("DOC_TOO_LARGE", `the document would use ${used} pages, mutations may fill ${pagesMax}`)
}
