import { LfError } from "../base/error.ts"
import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import type { Database } from "../sqlite/database.ts"
import { readAllApplied } from "../timeline/internal-tables.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { ClientJournal } from "../timeline/timeline.ts"
import type { RemoteStore } from "./remote-store.ts"

const STREAM_PREFIX = "client/"

/** The stream with the server's copy of a client's timeline. */
export function clientStream(clientId: string): string {
  return STREAM_PREFIX + clientId
}

/** The client id of the journal with the mutations of the server's own process. */
export const SERVER_CLIENT = "server"

/** The journals of the clients that wrote to a document, each with its applied cursor. */
export class ClientList {
  readonly #store: RemoteStore
  readonly #journals = new Map<string, ClientJournal>()
  readonly #users = new Map<string, string | null>()
  /** Outcomes up to this position are durable at their author. */
  readonly #seen = new Map<string, Lsn>()

  constructor(store: RemoteStore) {
    this.#store = store
    for (const stream of store.streams.names()) {
      if (stream.startsWith(STREAM_PREFIX)) this.journal(stream.slice(STREAM_PREFIX.length))
    }
    for (const { entry } of store.bindings.iter()) {
      // A forgotten client's binding stays at rest until the owners are written anew.
      if (this.#journals.has(entry.clientId)) this.#users.set(entry.clientId, entry.user)
    }
  }

  journal(clientId: string): ClientJournal {
    let journal = this.#journals.get(clientId)
    if (journal === undefined) {
      journal = new ClientJournal(this.#store.streams.journal(clientStream(clientId), mutationCodec))
      this.#journals.set(clientId, journal)
    }
    return journal
  }

  /** Undefined for a client that has not written yet. */
  find(clientId: string): ClientJournal | undefined {
    return this.#journals.get(clientId)
  }

  /** Reads the applied cursors from the document, where alone they are kept (T5). */
  loadApplied(db: Database): void {
    for (const { clientId, lsn } of readAllApplied(db)) this.journal(clientId).applied = lsn
  }

  /** The applied cursor of each client that has a journal. */
  applied(): [clientId: string, applied: Lsn][] {
    return Array.from(this.#journals, ([clientId, { applied }]) => [clientId, applied])
  }

  /**
   * Whether `clientId` belongs to `user`. An anonymous id belongs to any user who has its secret (T26).
   * @throws CLIENT_PROOF
   */
  checkOwner(clientId: string, user: string | null): void {
    if (!this.isOwner(clientId, user)) throw new LfError("CLIENT_PROOF", "this client id is bound to another user")
  }

  isOwner(clientId: string, user: string | null): boolean {
    const owner = this.#users.get(clientId) ?? null
    return owner === null || owner === user
  }

  /** Returns whether `user` became the owner and was not before. */
  bind(clientId: string, user: string | null): boolean {
    const owner = this.#users.get(clientId)
    if (this.#users.has(clientId) && (owner === user || user === null)) return false
    this.#users.set(clientId, user)
    this.#store.bindings.append({ clientId, user })
    return user !== null
  }

  noteSeen(clientId: string, position: Lsn): void {
    if (position > this.seen(clientId)) this.#seen.set(clientId, position)
  }

  seen(clientId: string): Lsn {
    return this.#seen.get(clientId) ?? LSN_ZERO
  }

  confirm(clientId: string, position: Lsn): void {
    this.find(clientId)?.confirm(position)
  }

  /** Drops a client's entries that were applied, up to `needed`. */
  release(clientId: string, needed: Lsn): void {
    this.find(clientId)?.release(needed)
  }

  /** Drops all that is kept of a client whose row in the document is deleted. Durable with the next flush. */
  forget(clientId: string): void {
    this.#store.streams.drop(clientStream(clientId))
    this.#journals.delete(clientId)
    this.#users.delete(clientId)
    this.#seen.delete(clientId)
  }

  /** Rewrites the owners when more than half of their entries are out of date. */
  compactOwners(): void {
    const { bindings } = this.#store
    if (bindings.lsn() - bindings.start() <= 2 * this.#users.size) return
    bindings.rollup(bindings.lsn())
    for (const [clientId, user] of this.#users) bindings.append({ clientId, user })
  }

  ids(): Iterable<string> {
    return this.#journals.keys()
  }
}
