import type { Host } from "../base/host.ts"
import { LSN_ZERO, type Lsn, lsn } from "../base/lsn.ts"
import type { Database } from "../sqlite/database.ts"
import { deleteClient } from "../timeline/internal-tables.ts"
import type { ClientList } from "./client-list.ts"
import type { OnAppliedQueue } from "./on-applied.ts"
import type { Contact, RemoteStore } from "./remote-store.ts"

/** A client that has every outcome is forgotten after this long without contact. It may return under a new id. */
export const CLIENT_FORGOTTEN_MS = 90 * 24 * 3600 * 1000
/** The most clients that one transaction forgets. */
export const FORGOTTEN_AT_ONCE_MAX = 32
/** The precision of a kept contact, as a share of the horizon: a day. */
const CONTACT_STEP_SHARE = 1 / 90

/**
 * Forgets clients without recent contact: their rows in the document, their journals, their owners. Only a client that
 * confirmed all of its mutations is forgotten, so that none of them can run a second time (I2).
 */
export class GoneClients {
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #host: Host
  readonly #forgottenMs: number
  readonly #effects: OnAppliedQueue | null
  readonly #contacts = new Map<string, Contact>()
  /** The contacts as they are at rest. */
  readonly #kept = new Map<string, Contact>()
  /** The clients to forget, as of the last `#look`. */
  readonly #due = new Set<string>()

  constructor(options: {
    store: RemoteStore
    clients: ClientList
    host: Host
    forgottenMs?: number
    effects: OnAppliedQueue | null
  }) {
    this.#store = options.store
    this.#clients = options.clients
    this.#host = options.host
    this.#forgottenMs = options.forgottenMs ?? CLIENT_FORGOTTEN_MS
    this.#effects = options.effects
    for (const { entry } of this.#store.contacts.iter()) {
      if (this.#clients.find(entry.clientId) !== undefined) this.#kept.set(entry.clientId, entry)
    }
    for (const [clientId, contact] of this.#kept) this.#contacts.set(clientId, contact)
    this.#look()
  }

  /** Notes that the client is in contact and has the outcomes up to `seen`. It may claim more than there is: that does not count. */
  note(clientId: string, seen: Lsn): void {
    this.#due.delete(clientId)
    const journal = this.#clients.find(clientId)
    // A client that never wrote leaves nothing to forget.
    if (journal === undefined) return
    const known = this.#contacts.get(clientId)?.seen ?? LSN_ZERO
    const claimed = lsn(Math.min(seen, journal.lsn()))
    this.#contacts.set(clientId, { clientId, atMs: this.#host.nowMs(), seen: claimed > known ? claimed : known })
  }

  /** Inside a group's transaction: deletes the rows of clients that are due. Returns their ids, for `forget` after the commit. */
  deleteRows(db: Database): readonly string[] {
    const gone = [...this.#due].slice(0, FORGOTTEN_AT_ONCE_MAX)
    for (const clientId of gone) deleteClient(db, clientId)
    return gone
  }

  /** Durable with the flush that makes the deleted rows durable. */
  forget(clientIds: readonly string[]): void {
    for (const clientId of clientIds) {
      this.#due.delete(clientId)
      this.#contacts.delete(clientId)
      // What is kept of it says nothing of a client that writes under this id again.
      if (this.#kept.delete(clientId))
        this.#store.contacts.append({ clientId, atMs: this.#host.nowMs(), seen: LSN_ZERO })
      this.#effects?.forgetClient(clientId)
      this.#clients.forget(clientId)
    }
  }

  /** Before a checkpoint, after `forgetDone`, as arrivals need their client's journal: writes contacts, finds due clients. */
  keep(): void {
    const { contacts } = this.#store
    for (const [clientId, contact] of this.#contacts) {
      const kept = this.#kept.get(clientId)
      const stepMs = this.#forgottenMs * CONTACT_STEP_SHARE
      if (kept?.seen === contact.seen && Math.abs(contact.atMs - kept.atMs) < stepMs) continue
      contacts.append(contact)
      this.#kept.set(clientId, contact)
    }
    this.#compact()
    this.#look()
  }

  /** Rewrites contacts and owners when more than half of their entries are out of date. */
  #compact(): void {
    const { contacts } = this.#store
    if (contacts.lsn() - contacts.start() > 2 * this.#kept.size) {
      contacts.rollup(contacts.lsn())
      for (const kept of this.#kept.values()) contacts.append(kept)
    }
    this.#clients.compactOwners()
  }

  #look(): void {
    const goneMs = this.#host.nowMs() - this.#forgottenMs
    // A recovery looks at journaled arrivals again, with their clients' rows and journals (I13).
    const arrived = new Set(Array.from(this.#store.arrivals.iter(), ({ entry }) => entry.clientId))
    for (const contact of this.#contacts.values()) {
      const { clientId, atMs } = contact
      if (atMs < goneMs && !arrived.has(clientId) && this.#hasAll(contact)) this.#due.add(clientId)
    }
  }

  /** Whether all mutations of the client are decided, it has their outcomes, and their effects were delivered. */
  #hasAll({ clientId, seen }: Contact): boolean {
    const journal = this.#clients.journal(clientId)
    const last = journal.lsn()
    const isDelivered = this.#effects === null || this.#effects.marks.delivered(clientId) >= last
    return isDelivered && journal.applied === last && seen >= last
  }
}
