import type { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import { type Deferred, deferred } from "../base/wait.ts"
import { type Author, keepAuthor } from "../timeline/author.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { Outcome } from "../timeline/outcome.ts"
import { type ClientList, SERVER_CLIENT } from "./client-list.ts"
import type { ClientOutcome } from "./mutation-ref.ts"
import type { RemoteStore } from "./remote-store.ts"
import type { ServerOutcomes } from "./server-outcomes.ts"

/** The mutations of servers' own processes: journaled like a client's; their callers wait for the outcome. */
export class ServerMutations {
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #host: Host
  readonly #mutator: Mutator
  readonly #outcomes: ServerOutcomes
  /** Not durable yet. */
  readonly #waiting = new Map<string, Deferred<Outcome>>()

  constructor(options: {
    store: RemoteStore
    clients: ClientList
    host: Host
    mutator: Mutator
    outcomes: ServerOutcomes
  }) {
    this.#store = options.store
    this.#clients = options.clients
    this.#host = options.host
    this.#mutator = options.mutator
    this.#outcomes = options.outcomes
  }

  /**
   * Journals a mutation as arrived. The promise resolves when its outcome is durable. One whose `uid` came before is not run again:
   * its outcome is what it was (T28).
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE; then nothing was kept
   */
  add(name: string, args: unknown, author: Author, uid?: string): Promise<Outcome> {
    const earlier = uid === undefined ? undefined : this.#waiting.get(uid)
    if (earlier !== undefined) return earlier.promise
    const known = uid === undefined ? undefined : this.#outcomes.find(uid)
    if (known !== undefined) return Promise.resolve(known)
    return this.#journal(name, args, author, uid)
  }

  #journal(name: string, args: unknown, author: Author, given?: string): Promise<Outcome> {
    const atMs = this.#host.nowMs()
    const uid = given ?? uuidV7(atMs, this.#host.randomBytes(10))
    // `make` decodes it before it is kept: an unreadable one would have no outcome (T35).
    const entry = mutationCodec.encode(this.#mutator.make({ uid, name, args, at: atMs }))
    const journal = this.#clients.journal(SERVER_CLIENT)
    const from = journal.lsn()
    journal.write({ from, previousHash: journal.hashAt(from) ?? 0n, entries: [entry] })
    const arrival = { clientId: SERVER_CLIENT, from, to: journal.lsn(), ...keepAuthor(author), atMs, forbidden: [] }
    this.#store.arrivals.append(arrival)
    const waiting = deferred<Outcome>()
    this.#waiting.set(uid, waiting)
    return waiting.promise
  }

  /** Called when these outcomes are durable. */
  settle(decided: readonly ClientOutcome[]): void {
    if (this.#waiting.size === 0) return
    for (const { uid, outcome } of decided) {
      this.#waiting.get(uid)?.resolve(outcome)
      this.#waiting.delete(uid)
    }
  }

  fail(error: LfError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
