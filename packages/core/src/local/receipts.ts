import type { Lsn } from "../base/lsn.ts"

/** What the server decided. */
export type RemoteOutcome =
  | { readonly type: "applied"; readonly lsn: Lsn }
  | { readonly type: "rejected"; readonly code: string; readonly data: unknown }

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

/** Decided receipts kept, so that a call repeated by its uid finds its answer (T28). */
const DECIDED_MAX = 10_000

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
    durable.catch(() => {}) // whoever holds the receipt is told; an unheld one is not an unhandled rejection
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
      if (this.#decided.size <= DECIDED_MAX) return
      this.#decided.delete(uid)
    }
  }

  /** The document stopped: what is open is decided after the next start, if it was durable. */
  clear(): void {
    this.#open.clear()
    this.#decided.clear()
  }
}
