import type { Host } from "../base/host.ts"
import { LSN_ZERO, type Lsn, lsn, lsnAfter } from "../base/lsn.ts"
import { type Batch, entryCostBytes } from "../journal/batch.ts"
import type { MutationsReply, RefusedRange, SyncMutations } from "../network/message.ts"
import type { ClientList } from "./client-list.ts"
import type { OutcomeList } from "./outcome-list.ts"
import type { RemoteStore } from "./remote-store.ts"
import type { SizeWatch } from "./size-watch.ts"

/** Mutations of one client that the server keeps: not applied yet, or applied and their effect not delivered. */
export const CLIENT_ENTRIES_MAX = 10_000
/** And their bytes. */
const CLIENT_BYTES_MAX = 16 * 1024 * 1024
/** Rejections of one client that it has not said to have: each is a row of the document. */
export const UNSEEN_REJECTIONS_MAX = 2_000
/** Client ids that were given up because a mutation was refused: for as long as a late frame of theirs may come. */
const ENDED_MAX = 10_000

/** Who sends a batch. */
export interface Sender {
  readonly clientId: string
  readonly user: string | null
}

/** Takes batches into the clients' journals: what may be taken, as far as there is room for it. */
export class BatchMerger {
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #outcomes: OutcomeList
  readonly #host: Host
  readonly #size: SizeWatch
  readonly #onBound: (sender: Sender) => void
  /** Nothing after these positions is taken: the rest went on under another id. */
  readonly #endByClient = new Map<string, Lsn>()

  /** `onBound`: a client id is this user's from now on. */
  constructor(options: {
    store: RemoteStore
    clients: ClientList
    outcomes: OutcomeList
    host: Host
    size: SizeWatch
    onBound: (sender: Sender) => void
  }) {
    this.#store = options.store
    this.#clients = options.clients
    this.#outcomes = options.outcomes
    this.#host = options.host
    this.#size = options.size
    this.#onBound = options.onBound
  }

  /**
   * Merges a batch into the client's journal; what is new is noted as arrived. Sent twice it changes nothing. Of a refused
   * mutation and what follows it nothing is kept (T38).
   */
  merge({ clientId, user }: Sender, { batch }: SyncMutations, refusedAtDoor: readonly RefusedRange[]): MutationsReply {
    const last = this.#clients.find(clientId)?.lsn() ?? LSN_ZERO
    const end = lsnAfter(batch.from, batch.entries.length)
    const refused = this.#size.isOver ? [{ from: batch.from, to: end, code: "DOC_TOO_LARGE" }] : refusedAtDoor
    // What is kept already was allowed when it came.
    const cuts = refused.flatMap((range) => (range.to > last ? [{ ...range, from: later(range.from, last) }] : []))
    const endOfId = this.#endByClient.get(clientId) ?? end
    const cut = earlier(earlier(end, endOfId), cuts.at(0)?.from ?? end)
    const taken = { ...batch, entries: batch.entries.slice(0, Math.max(0, cut - batch.from)) }
    const fitting = { ...taken, entries: taken.entries.slice(0, this.#room(clientId, taken, last)) }
    const reply = this.#write(clientId, user, fitting)
    if (reply.type !== "cursor" || reply.lsn < cut || cut >= end) return reply
    if (cuts.length === 0) return { type: "fork", common: cut }
    this.#end(clientId, cut)
    return { type: "refused", common: cut, ranges: cuts }
  }

  #write(clientId: string, user: string | null, batch: Batch): MutationsReply {
    const known = this.#clients.find(clientId)
    // No journal is made for a client of whom nothing is kept.
    if (known === undefined && (batch.from > 0 || batch.entries.length === 0)) {
      return batch.from === 0 ? { type: "cursor", lsn: LSN_ZERO } : { type: "gap", expected: LSN_ZERO }
    }
    const journal = this.#clients.journal(clientId)
    const from = journal.lsn()
    const result = journal.write(batch)
    if (result.type !== "written") return result
    if (result.lsn > from) {
      if (this.#clients.bind(clientId, user)) this.#onBound({ clientId, user })
      const atMs = this.#host.nowMs()
      this.#store.arrivals.append({ clientId, from, to: result.lsn, user, atMs, forbidden: [] })
    }
    return { type: "cursor", lsn: result.lsn }
  }

  /** How many of a batch's entries may be taken now; those that are here already cost nothing. */
  #room(clientId: string, batch: Batch, last: Lsn): number {
    const held = this.#clients.find(clientId)?.held ?? { entries: 0, bytes: 0 }
    const unseen = this.#outcomes.after(clientId, this.#clients.seen(clientId)).length
    let entries = Math.min(CLIENT_ENTRIES_MAX - held.entries, UNSEEN_REJECTIONS_MAX - unseen)
    let bytes = CLIENT_BYTES_MAX - held.bytes
    let count = Math.min(batch.entries.length, Math.max(0, last - batch.from))
    for (; count < batch.entries.length; count++) {
      bytes -= entryCostBytes(batch.entries[count])
      entries--
      if (entries < 0 || bytes < 0) break
    }
    return count
  }

  #end(clientId: string, at: Lsn): void {
    this.#endByClient.delete(clientId)
    this.#endByClient.set(clientId, at)
    if (this.#endByClient.size <= ENDED_MAX) return
    for (const oldest of this.#endByClient.keys()) {
      this.#endByClient.delete(oldest)
      break
    }
  }
}

function earlier(a: Lsn, b: Lsn): Lsn {
  return lsn(Math.min(a, b))
}

function later(a: Lsn, b: Lsn): Lsn {
  return lsn(Math.max(a, b))
}
