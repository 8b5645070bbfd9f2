import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { type ClientList, SERVER_CLIENT } from "./client-list.ts"
import { refKey } from "./mutation-ref.ts"
import type { DeliveryMark, RemoteStore } from "./remote-store.ts"

/**
 * How far each client's effects were delivered, and which mutations after that were rejected. The document's table of
 * rejections is not enough: it lacks those of the server's mutations and those that their authors have seen.
 */
export class DeliveryMarks {
  readonly #store: RemoteStore
  readonly #delivered = new Map<string, Lsn>()
  readonly #rejected = new Map<string, DeliveryMark>()

  /** In a document without marks all applied mutations count as delivered. */
  constructor(store: RemoteStore, clients: ClientList) {
    this.#store = store
    const { effects } = store
    if (effects.lsn() === 0) {
      // This mark is always written: it distinguishes a first start from a start after a crash.
      this.noteDelivered(SERVER_CLIENT, LSN_ZERO)
      for (const [clientId, applied] of clients.applied()) this.noteDelivered(clientId, applied)
    }
    for (const { entry } of effects.iter()) {
      if (entry.type === "delivered") this.#delivered.set(entry.clientId, entry.lsn)
      else this.#rejected.set(refKey(entry), entry)
    }
    for (const [key, { clientId, lsn: at }] of this.#rejected) {
      if (at <= this.delivered(clientId)) this.#rejected.delete(key)
    }
  }

  delivered(clientId: string): Lsn {
    return this.#delivered.get(clientId) ?? LSN_ZERO
  }

  /** Durable with the next flush. */
  noteDelivered(clientId: string, at: Lsn): void {
    this.#store.effects.append({ type: "delivered", clientId, lsn: at })
    this.#delivered.set(clientId, at)
  }

  /** Called together with the append of the outcome, so that one flush makes both durable. */
  noteRejected(clientId: string, at: Lsn): void {
    const mark: DeliveryMark = { type: "rejected", clientId, lsn: at }
    this.#store.effects.append(mark)
    this.#rejected.set(refKey(mark), mark)
  }

  /** Skips a rejected mutation. Returns false if it was not rejected. */
  skip(clientId: string, at: Lsn): boolean {
    if (!this.#rejected.delete(refKey({ clientId, lsn: at }))) return false
    this.#delivered.set(clientId, at)
    return true
  }

  forgetClient(clientId: string): void {
    this.#delivered.delete(clientId)
  }

  /** Before a checkpoint: keeps one mark per client, and one per rejection that is not skipped yet. */
  forget(): void {
    const { effects } = this.#store
    effects.rollup(effects.lsn())
    for (const [clientId, at] of this.#delivered) effects.append({ type: "delivered", clientId, lsn: at })
    for (const mark of this.#rejected.values()) effects.append(mark)
  }
}
