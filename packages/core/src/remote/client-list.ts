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

/** Mutations made in the server's own process go into a journal of their own, under this id. */
export const SERVER_CLIENT = "server"

/** The journals of every client that ever wrote to a document, each with its applied cursor. */
export class ClientList {
  readonly #store: RemoteStore
  readonly #journals = new Map<string, ClientJournal>()
  readonly #users = new Map<string, string | null>()
  /** Outcomes up to here are durable at their author. */
  readonly #seen = new Map<string, Lsn>()

  constructor(store: RemoteStore) {
    this.#store = store
    for (const stream of store.streams.names()) {
      if (stream.startsWith(STREAM_PREFIX)) this.journal(stream.slice(STREAM_PREFIX.length))
    }
    for (const { entry } of store.bindings.iter()) this.#users.set(entry.clientId, entry.user)
  }

  journal(clientId: string): ClientJournal {
    let journal = this.#journals.get(clientId)
    if (journal === undefined) {
      journal = new ClientJournal(this.#store.streams.journal(clientStream(clientId), mutationCodec))
      this.#journals.set(clientId, journal)
    }
    return journal
  }

  /** A reader has no journal yet: nothing is made for it until it writes. */
  find(clientId: string): ClientJournal | undefined {
    return this.#journals.get(clientId)
  }

  /** What the document itself says was applied: never remembered apart from it (T5). */
  loadApplied(db: Database): void {
    for (const { clientId, lsn } of readAllApplied(db)) this.journal(clientId).applied = lsn
  }

  /** How far each client's mutations were applied, of those that sent any. */
  applied(): [clientId: string, applied: Lsn][] {
    return Array.from(this.#journals, ([clientId, { applied }]) => [clientId, applied])
  }

  /**
   * Whether `clientId` belongs to `user`. An id that nobody was signed in for is claimed by who shows its secret (T26).
   * @throws CLIENT_PROOF
   */
  checkOwner(clientId: string, user: string | null): void {
    if (!this.isOwner(clientId, user)) throw new LfError("CLIENT_PROOF", "this client id is bound to another user")
  }

  isOwner(clientId: string, user: string | null): boolean {
    const owner = this.#users.get(clientId) ?? null
    return owner === null || owner === user
  }

  /** True if the id is another user's than before. */
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

  /** Forgets what of a client's entries was applied and is not `needed` any more. */
  release(clientId: string, needed: Lsn): void {
    this.find(clientId)?.release(needed)
  }

  /** Drops what is kept of a client whose row in the document is deleted, durably with the next flush. */
  forget(clientId: string): void {
    this.#store.streams.drop(clientStream(clientId))
    this.#journals.delete(clientId)
    this.#users.delete(clientId)
    this.#seen.delete(clientId)
  }

  /** Writes the owners anew when most of what is kept of them is old. */
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
