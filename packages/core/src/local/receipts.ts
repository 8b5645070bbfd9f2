import type { Lsn } from "../base/lsn.ts"

/**
 * What the server decided, as far as this device knows: it is in the document, at `lsn` of the server at the latest, or it
 * was rejected. `unknown` is never a guess: `discarded` by `clear` before an answer came, or `forgotten` because what was
 * kept about it is gone (cleared site data, a sign-in, more than OUTCOMES_KEPT later ones).
 */
export type RemoteOutcome =
  | { readonly type: "applied"; readonly lsn: Lsn }
  | { readonly type: "rejected"; readonly code: string; readonly data: unknown }
  | { readonly type: "unknown"; readonly reason: "discarded" | "forgotten" }

export interface Receipt {
  readonly uid: string
  /** Resolves when the mutation survives a crash of this device. */
  readonly durable: Promise<void>
  /** Resolves when the server decided; never rejects. */
  readonly remote: Promise<RemoteOutcome>
}

export interface PendingOutcome {
  readonly uid: string
  readonly outcome: RemoteOutcome
}

/** Outcomes kept, here and at rest, so that a call repeated by its uid finds its answer (T28). */
export const OUTCOMES_KEPT = 10_000

interface Entry {
  readonly receipt: Receipt
  readonly decide: (outcome: RemoteOutcome) => void
}

/** The receipts that were given out in this session, by uid. */
export class Receipts {
  readonly #open = new Map<string, Entry>()
  /** In the order of their decision: the oldest goes first. */
  readonly #decided = new Map<string, Receipt>()

  find(uid: string): Receipt | undefined {
    return this.#open.get(uid)?.receipt ?? this.#decided.get(uid)
  }

  open(uid: string, durable: Promise<void>): Receipt {
    let decide: Entry["decide"] = () => {}
    const remote = new Promise<RemoteOutcome>((resolve) => {
      decide = resolve
    })
    durable.catch(() => {}) // the receipt's holder gets it; one without a holder is no unhandled rejection
    const receipt: Receipt = { uid, durable, remote }
    this.#open.set(uid, { receipt, decide })
    return receipt
  }

  decide(outcomes: readonly PendingOutcome[]): void {
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
