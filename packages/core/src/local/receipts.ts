import { deferred } from "../base/wait.ts"
import type { MutationOutcome, Outcome } from "../timeline/outcome.ts"

/** A mutation that was kept. */
export interface Receipt {
  readonly uid: string
  /** Resolves when the server decided; never rejects. */
  readonly remote: Promise<Outcome>
}

/** A mutation that runs here, and is kept soon. */
export interface LocalReceipt extends Receipt {
  /** Resolves when the mutation survives a crash of this device. */
  readonly durable: Promise<void>
}

/** Outcomes kept, here and at rest, so that a call repeated by its uid finds its answer (T28). */
export const OUTCOMES_KEPT = 10_000

interface Entry {
  readonly receipt: LocalReceipt
  readonly decide: (outcome: Outcome) => void
}

/** The receipts that were given out in this session, by uid. */
export class Receipts {
  readonly #open = new Map<string, Entry>()
  /** In the order of their decision: the oldest goes first. */
  readonly #decided = new Map<string, LocalReceipt>()
  /** Called with every decision, whether its receipt is known here or not. */
  onDecided: ((outcomes: readonly MutationOutcome[]) => void) | null = null

  find(uid: string): LocalReceipt | undefined {
    return this.#open.get(uid)?.receipt ?? this.#decided.get(uid)
  }

  open(uid: string, durable: Promise<void>): LocalReceipt {
    const { promise: remote, resolve: decide } = deferred<Outcome>()
    durable.catch(() => {}) // the receipt's holder gets it; one without a holder is no unhandled rejection
    const receipt: LocalReceipt = { uid, durable, remote }
    this.#open.set(uid, { receipt, decide })
    return receipt
  }

  decide(outcomes: readonly MutationOutcome[]): void {
    this.onDecided?.(outcomes)
    for (const { uid, outcome } of outcomes) {
      const entry = this.#open.get(uid)
      if (entry === undefined) continue
      this.#open.delete(uid)
      this.#decided.set(uid, entry.receipt)
      entry.decide(outcome)
    }
    for (const uid of this.#decided.keys()) {
      if (this.#decided.size <= OUTCOMES_KEPT) return
      this.#decided.delete(uid)
    }
  }

  /** The user discards what is open: its outcome stays unknown. */
  discard(): void {
    this.decide([...this.#open.keys()].map((uid) => ({ uid, outcome: { type: "unknown", reason: "discarded" } })))
  }

  /** The document stopped: what is open is decided after the next start, if it was durable. */
  clear(): void {
    this.#open.clear()
    this.#decided.clear()
  }
}
