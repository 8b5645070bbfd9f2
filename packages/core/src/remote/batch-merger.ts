import type { Host } from "../base/host.ts"
import { LSN_ZERO, type Lsn, lsn, lsnAfter } from "../base/lsn.ts"
import { type Batch, entryCostBytes } from "../journal/batch.ts"
import type { MutationsReply, RefusedRange, SyncMutations } from "../network/message.ts"
import { type Author, keepAuthor } from "../timeline/author.ts"
import type { ClientList } from "./client-list.ts"
import type { OutcomeList } from "./outcome-list.ts"
import type { RemoteStore } from "./remote-store.ts"
import type { SizeWatch } from "./size-watch.ts"

/** The most mutations of one client that are kept: not applied yet, or applied and their effect not delivered. */
export const CLIENT_ENTRIES_MAX = 10_000
/** The most bytes of those mutations. */
const CLIENT_BYTES_MAX = 16 * 1024 * 1024
/** The most rejections of one client that it has not confirmed: each is a row of the document. */
export const UNSEEN_REJECTIONS_MAX = 2_000
/** The most client ids remembered as ended by a refused mutation, for late frames under them. */
const ENDED_MAX = 10_000

/** The client that sends a batch, and its user. */
export interface Sender {
  readonly clientId: string
  readonly user: string | null
  readonly author: Author
}

/** Writes batches into the clients' journals, up to the first refused mutation and as far as there is room. */
export class BatchMerger {
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #outcomes: OutcomeList
  readonly #host: Host
  readonly #size: SizeWatch
  readonly #onBound: (sender: Sender) => void
  /** Where ids ended: entries after it are not written, the client continues under another id. */
  readonly #endByClient = new Map<string, Lsn>()

  /** `onBound` is called when a client id becomes bound to this user. */
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
   * Writes a batch into the client's journal and appends its new entries to the arrivals. A repeated batch changes nothing.
   * A refused mutation and all after it are not kept (T38).
   */
  merge(sender: Sender, { batch }: SyncMutations, refusedOnArrival: readonly RefusedRange[]): MutationsReply {
    const { clientId } = sender
    const last = this.#clients.find(clientId)?.lsn() ?? LSN_ZERO
    const end = lsnAfter(batch.from, batch.entries.length)
    const refused = this.#size.isOver ? [{ from: batch.from, to: end, code: "DOC_TOO_LARGE" }] : refusedOnArrival
    // Entries that are already kept were allowed when they arrived.
    const cuts = refused.flatMap((range) => (range.to > last ? [{ ...range, from: later(range.from, last) }] : []))
    const endOfId = this.#endByClient.get(clientId) ?? end
    const cut = earlier(earlier(end, endOfId), cuts.at(0)?.from ?? end)
    const taken = { ...batch, entries: batch.entries.slice(0, Math.max(0, cut - batch.from)) }
    const fitting = { ...taken, entries: taken.entries.slice(0, this.#room(clientId, taken, last)) }
    const reply = this.#write(sender, fitting)
    if (reply.type !== "cursor" || reply.lsn < cut || cut >= end) return reply
    if (cuts.length === 0) return { type: "fork", common: cut }
    this.#end(clientId, cut)
    return { type: "refused", common: cut, ranges: cuts }
  }

  #write({ clientId, user, author }: Sender, batch: Batch): MutationsReply {
    const known = this.#clients.find(clientId)
    // A client without a journal gets one only for entries that begin at 1.
    if (known === undefined && (batch.from > 0 || batch.entries.length === 0)) {
      return batch.from === 0 ? { type: "cursor", lsn: LSN_ZERO } : { type: "gap", expected: LSN_ZERO }
    }
    const journal = this.#clients.journal(clientId)
    const from = journal.lsn()
    const result = journal.write(batch)
    if (result.type !== "written") return result
    if (result.lsn > from) {
      if (this.#clients.bind(clientId, user)) this.#onBound({ clientId, user, author })
      const atMs = this.#host.nowMs()
      this.#store.arrivals.append({ clientId, from, to: result.lsn, ...keepAuthor(author), atMs, forbidden: [] })
    }
    return { type: "cursor", lsn: result.lsn }
  }

  /** How many of a batch's entries there is room for; entries that are kept already cost nothing. */
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
