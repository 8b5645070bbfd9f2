import type { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import { type Author, keepAuthor } from "../timeline/author.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { Outcome } from "../timeline/outcome.ts"
import { type ClientList, SERVER_CLIENT } from "./client-list.ts"
import type { ClientOutcome } from "./mutation-ref.ts"
import type { RemoteStore } from "./remote-store.ts"

interface Waiter {
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: LfError) => void
}

/** The mutations of this process: journaled like a client's; their callers wait for the outcome. */
export class ServerMutations {
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #host: Host
  readonly #mutator: Mutator
  readonly #waiterByUid = new Map<string, Waiter>()

  constructor(options: { store: RemoteStore; clients: ClientList; host: Host; mutator: Mutator }) {
    this.#store = options.store
    this.#clients = options.clients
    this.#host = options.host
    this.#mutator = options.mutator
  }

  /**
   * Journals a mutation as arrived. The promise resolves when its outcome is durable.
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE; then nothing was kept
   */
  add(name: string, args: unknown, author: Author): Promise<Outcome> {
    const atMs = this.#host.nowMs()
    const uid = uuidV7(atMs, this.#host.randomBytes(10))
    // `make` decodes it before it is kept: an unreadable one would have no outcome (T35).
    const entry = mutationCodec.encode(this.#mutator.make({ uid, name, args, at: atMs }))
    const journal = this.#clients.journal(SERVER_CLIENT)
    const from = journal.lsn()
    journal.write({ from, previousHash: journal.hashAt(from) ?? 0n, entries: [entry] })
    const arrival = { clientId: SERVER_CLIENT, from, to: journal.lsn(), ...keepAuthor(author), atMs, forbidden: [] }
    this.#store.arrivals.append(arrival)
    return new Promise((resolve, reject) => {
      this.#waiterByUid.set(uid, { resolve, reject })
    })
  }

  /** Called when these outcomes are durable. */
  settle(decided: readonly ClientOutcome[]): void {
    if (this.#waiterByUid.size === 0) return
    for (const { uid, outcome } of decided) {
      this.#waiterByUid.get(uid)?.resolve(outcome)
      this.#waiterByUid.delete(uid)
    }
  }

  fail(error: LfError): void {
    for (const { reject } of this.#waiterByUid.values()) reject(error)
    this.#waiterByUid.clear()
  }
}
