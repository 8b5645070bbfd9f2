import type { LfError } from "../base/error.ts"
import type { Outcome } from "../timeline/outcome.ts"
import type { Decided } from "./step-runner.ts"

interface Waiter {
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: LfError) => void
}

/** Whoever in this process waits for a mutation's outcome. */
export class Waiters {
  readonly #byUid = new Map<string, Waiter>()

  outcomeOf(uid: string): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#byUid.set(uid, { resolve, reject })
    })
  }

  tell(decided: readonly Decided[]): void {
    if (this.#byUid.size === 0) return
    for (const { uid, outcome } of decided) {
      this.#byUid.get(uid)?.resolve(outcome)
      this.#byUid.delete(uid)
    }
  }

  fail(error: LfError): void {
    for (const { reject } of this.#byUid.values()) reject(error)
    this.#byUid.clear()
  }
}
