import type { LfError } from "../base/error.ts"
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
  isDecided: boolean
}

/** The receipts that were given out in this session, by uid. */
export class Receipts {
  readonly #byUid = new Map<string, Entry>()

  find(uid: string): Receipt | undefined {
    return this.#byUid.get(uid)?.receipt
  }

  open(uid: string, durable: Promise<void>): Receipt {
    let decide: Entry["decide"] = () => {}
    const remote = new Promise<RemoteOutcome>((resolve) => {
      decide = resolve
    })
    durable.catch(() => {}) // whoever holds the receipt is told; an unheld one is not an unhandled rejection
    const receipt: Receipt = { uid, durable, remote }
    this.#byUid.set(uid, { receipt, decide, isDecided: false })
    this.#forgetOldest()
    return receipt
  }

  decide(outcomes: readonly PendingOutcome[]): void {
    for (const { uid, outcome } of outcomes) {
      const entry = this.#byUid.get(uid)
      if (entry === undefined) continue
      entry.isDecided = true
      entry.decide(outcome)
    }
  }

  /** The document stopped: what is open is decided after the next start, if it was durable. */
  fail(_failure: LfError): void {
    this.#byUid.clear()
  }

  #forgetOldest(): void {
    if (this.#byUid.size <= DECIDED_MAX) return
    for (const [uid, entry] of this.#byUid) {
      if (entry.isDecided) this.#byUid.delete(uid)
      if (this.#byUid.size <= DECIDED_MAX) return
    }
  }
}
