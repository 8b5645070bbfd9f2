import { LfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import type { Mutation } from "./mutation.ts"
import type { Mutator } from "./mutator.ts"
import { APPLIED, isFatal, type Outcome, outcomeOf, rejected } from "./outcome.ts"
import { MutationTx } from "./tx.ts"

/** One mutation to run, and as whom. */
export interface Job {
  readonly mutation: Mutation
  readonly user: string | null
  /** Its outcome when that is known without running it: forbidden, quarantined, undecodable. */
  readonly decided?: Outcome
}

export interface Group {
  readonly db: Database
  readonly mutator: Mutator
  readonly side: "local" | "remote"
  readonly jobs: readonly Job[]
  /** Runs inside the same transaction after each mutation: the server notes there what it applied (I2). */
  readonly mark?: (index: number, outcome: Outcome) => void
  /** Told which mutation runs, so that one that has to be stopped from outside can be named. */
  readonly watch?: (index: number) => void
  /** Told what a mutation threw, `Reject` included, before it becomes an outcome without a stack. */
  readonly onThrow?: (index: number, error: unknown) => void
  /** An outcome carries the message of what was thrown. */
  readonly tellsWhy?: boolean
}

/**
 * Runs mutations in one transaction, a savepoint each: one that throws leaves nothing and stops none (I10, T10). When a
 * statement ended the whole transaction (`or rollback`, an interrupt), the group runs again with that mutation marked as
 * throwing. One outcome per job.
 * @throws SQL_CORRUPT and nothing of the group remains: the document must stop
 */
export function applyGroup(group: Group): Outcome[] {
  const culprits = new Map<number, Outcome>()
  for (;;) {
    const outcomes = attempt(group, culprits)
    if (outcomes !== null) return outcomes
  }
}

/** The outcomes, or null when the transaction vanished; the culprit was then added. */
function attempt(group: Group, culprits: Map<number, Outcome>): Outcome[] | null {
  const { db, jobs } = group
  db.exec("begin immediate")
  try {
    const outcomes: Outcome[] = []
    for (let i = 0; i < jobs.length; i++) {
      group.watch?.(i)
      const outcome = culprits.get(i) ?? jobs[i].decided ?? runOne(group, i)
      if (!db.inTransaction) {
        culprits.set(i, outcome.type === "rejected" ? outcome : rejected("SQL_DENIED"))
        return null
      }
      group.mark?.(i, outcome)
      outcomes.push(outcome)
    }
    db.exec("commit")
    return outcomes
  } catch (error) {
    if (db.inTransaction) db.exec("rollback")
    throw error
  }
}

function runOne({ db, mutator, side, jobs, onThrow, tellsWhy }: Group, index: number): Outcome {
  const { mutation, user } = jobs[index]
  db.exec("savepoint lf_mutation")
  db.halfway = null
  const tx = new MutationTx({ db, uid: mutation.uid, nowMs: mutation.at, user, side })
  try {
    mutator.apply(tx, mutation)
    // Also when the mutator caught it: half of a statement, perhaps with a broken index, is nothing to go on with (I16).
    if (db.halfway !== null) throw db.halfway
    // A deferred foreign key passes RELEASE and would fail the COMMIT, and with it everybody's mutations.
    if (db.inTransaction && db.hasDeferredViolations) throw new LfError("SQL_ERROR", "a foreign key does not hold")
    if (db.inTransaction) db.exec("release lf_mutation")
    return APPLIED
  } catch (error) {
    if (isFatal(error)) throw error
    if (db.inTransaction) {
      db.exec("rollback to lf_mutation")
      db.exec("release lf_mutation")
    }
    onThrow?.(index, error)
    return outcomeOf(error, tellsWhy)
  } finally {
    tx.close()
    db.setBudget(Number.POSITIVE_INFINITY)
  }
}
