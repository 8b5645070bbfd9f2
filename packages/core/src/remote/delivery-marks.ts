import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { type ClientList, SERVER_CLIENT } from "./client-list.ts"
import { refKey } from "./mutation-ref.ts"
import type { DeliveryMark, RemoteStore } from "./remote-store.ts"

/**
 * How far each client's effects were delivered, and which mutations after that were rejected. The document's own table
 * of rejections does not do: it has none of the server's, and forgets what their authors have seen.
 */
export class DeliveryMarks {
  readonly #store: RemoteStore
  readonly #delivered = new Map<string, Lsn>()
  readonly #rejected = new Map<string, DeliveryMark>()

  /** On a document that has no marks, what is applied already counts as delivered. */
  constructor(store: RemoteStore, clients: ClientList) {
    this.#store = store
    const { effects } = store
    if (effects.lsn() === 0) {
      // There is always one, so that a first start is told from a start after a crash.
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

  /** Called where the outcome is kept, so that both are durable or neither. */
  noteRejected(clientId: string, at: Lsn): void {
    const mark: DeliveryMark = { type: "rejected", clientId, lsn: at }
    this.#store.effects.append(mark)
    this.#rejected.set(refKey(mark), mark)
  }

  /** Passes by a mutation that was rejected; false: it was not. */
  skip(clientId: string, at: Lsn): boolean {
    if (!this.#rejected.delete(refKey({ clientId, lsn: at }))) return false
    this.#delivered.set(clientId, at)
    return true
  }

  /** A client that is forgotten has no effects to come. */
  forgetClient(clientId: string): void {
    this.#delivered.delete(clientId)
  }

  /** Before a checkpoint: one mark per client, and one per rejection that is not passed yet. */
  forget(): void {
    const { effects } = this.#store
    effects.rollup(effects.lsn())
    for (const [clientId, at] of this.#delivered) effects.append({ type: "delivered", clientId, lsn: at })
    for (const mark of this.#rejected.values()) effects.append(mark)
  }
}
