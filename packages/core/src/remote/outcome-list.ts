import type { Lsn } from "../base/lsn.ts"
import type { Rejection } from "../network/message.ts"
import type { ClientRejection, RemoteStore } from "./remote-store.ts"

/** The rejections of each client, kept until their author has them. */
export class OutcomeList {
  readonly #store: RemoteStore
  readonly #byClient = new Map<string, Rejection[]>()

  constructor(store: RemoteStore) {
    this.#store = store
    for (const { entry } of store.outcomes.iter()) this.#add(entry)
  }

  /** Durable with the next flush. */
  append(outcome: ClientRejection): void {
    this.#store.outcomes.append(outcome)
    this.#add(outcome)
  }

  /** The rejections that the client does not have, in the order of its mutations. */
  after(clientId: string, seen: Lsn): readonly Rejection[] {
    return this.#byClient.get(clientId)?.filter((outcome) => outcome.lsn > seen) ?? []
  }

  /** Drops the rejections that the clients have: in memory at once, at rest from the oldest on with the next rollup. */
  forget(seen: (clientId: string) => Lsn): void {
    for (const clientId of [...this.#byClient.keys()]) {
      const left = this.after(clientId, seen(clientId))
      if (left.length > 0) this.#byClient.set(clientId, [...left])
      else this.#byClient.delete(clientId)
    }
    const { outcomes } = this.#store
    let last = outcomes.start()
    for (const { lsn: at, entry } of outcomes.iter()) {
      if (entry.lsn > seen(entry.clientId)) break
      last = at
    }
    outcomes.rollup(last)
  }

  #add({ clientId, lsn, uid, code, data }: ClientRejection): void {
    const known = this.#byClient.get(clientId)
    const outcome = { lsn, uid, code, data }
    if (known === undefined) this.#byClient.set(clientId, [outcome])
    else known.push(outcome)
  }
}
