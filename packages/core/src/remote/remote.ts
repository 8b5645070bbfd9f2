import { loadChecksum } from "../base/checksum.ts"
import { LfError, toLfError } from "../base/error.ts"
import { clientIdOf } from "../base/ids.ts"
import { LSN_ZERO, type Lsn, lsn } from "../base/lsn.ts"
import { Sequence } from "../base/wait.ts"
import type { MutationsReply, RefusedRange, SyncMutations, SyncStorage } from "../network/message.ts"
import { Database } from "../sqlite/database.ts"
import { compileQuery, type Query } from "../sqlite/sql.ts"
import type { Author } from "../timeline/author.ts"
import type { Outcome } from "../timeline/outcome.ts"
import { hardenSchema, migrate } from "../timeline/schema.ts"
import type { ClientRequest, ConnectOptions, ServedClient } from "./admission.ts"
import { BatchMerger, type Sender } from "./batch-merger.ts"
import { ClientList } from "./client-list.ts"
import { ConnectedClient } from "./connected-client.ts"
import { ConnectedClients } from "./connected-clients.ts"
import { CrashQuarantine } from "./crash-quarantine.ts"
import { GoneClients } from "./gone-clients.ts"
import { OnAppliedQueue } from "./on-applied.ts"
import { OutcomeList } from "./outcome-list.ts"
import type { Snapshot } from "./page-transfer.ts"
import { PresenceBoard } from "./presence-board.ts"
import { type OnChanged, Reads, type RowsAt } from "./reads.ts"
import type { RemoteOptions } from "./remote-options.ts"
import { closeDatabaseAndLog, RemoteStore } from "./remote-store.ts"
import type { ServedDocument } from "./served-document.ts"
import { ServerMutations } from "./server-mutations.ts"
import { ServerOutcomes } from "./server-outcomes.ts"
import { SizeWatch } from "./size-watch.ts"
import { runUnguarded, StepRunner } from "./step-runner.ts"

const END = lsn(Number.MAX_SAFE_INTEGER)

/** One document at the server: runs mutations with authority, in one order, and sends the pages that changed. */
export class Remote implements ServedDocument {
  readonly #options: RemoteOptions
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #outcomes: OutcomeList
  readonly #merger: BatchMerger
  readonly #size: SizeWatch
  readonly #effects: OnAppliedQueue | null
  readonly #gone: GoneClients
  readonly #steps: StepRunner
  readonly #connected: ConnectedClients
  readonly #inbox: ClientRequest[] = []
  readonly #own: ServerMutations
  readonly #ownOutcomes: ServerOutcomes
  readonly #reads: Reads
  #flushed: Snapshot
  #loop: Promise<void> | null = null
  /** Whether a request came that the loop has not handled. */
  #isDue = false
  #failure: LfError | null = null
  #isClosing = false
  /** One at a time; the loop goes on while their pages are written. */
  readonly #checkpoints = new Sequence()

  private constructor(options: RemoteOptions, store: RemoteStore, db: Database) {
    const {
      mutator,
      loadSqlite,
      host,
      onApplied,
      guard = runUnguarded,
      onFailed = () => {},
      sendsMessages = false,
    } = options
    this.#options = options
    this.#connected = new ConnectedClients(new PresenceBoard(host))
    this.#store = store
    this.#clients = new ClientList(store)
    this.#clients.loadApplied(db)
    this.#outcomes = new OutcomeList(store)
    this.#size = new SizeWatch(options.pagesMax, options.onNearLimit)
    const [clients, outcomes, size] = [this.#clients, this.#outcomes, this.#size]
    const onBound = (by: Sender) => this.#connected.dismissOthers(by)
    this.#merger = new BatchMerger({ store, clients, outcomes, host, size, onBound })
    const quarantine = new CrashQuarantine(store, clients, host, options.opened.wasLetGo === true)
    if (onApplied === undefined) store.forgetEffects()
    const wake = () => this.#wake()
    const effects = onApplied === undefined ? null : new OnAppliedQueue({ store, clients, host, onApplied, wake })
    this.#effects = effects
    this.#reads = new Reads(host, options.queryMsMax)
    const gone = new GoneClients({ store, clients, host, effects, forgottenMs: options.clientForgottenMs })
    this.#gone = gone
    const ownOutcomes = new ServerOutcomes(store, host)
    this.#ownOutcomes = ownOutcomes
    this.#own = new ServerMutations({ store, clients, host, mutator, outcomes: ownOutcomes })
    const parts = { db, store, clients, outcomes, ownOutcomes, quarantine, effects, size, gone }
    this.#steps = new StepRunner({ ...parts, mutator, loadSqlite, guard, onFailed, sendsMessages, host })
    this.#flushed = this.#snapshot()
    options.opened.log.watch?.((error) => this.#stop(error))
  }

  /**
   * Recovers a document, migrates its schema, and runs the mutations received before the last stop. A second recovery
   * changes nothing (I13).
   * @throws LOG_CORRUPT MIGRATION_EDITED MIGRATION_FAILED SCHEMA_NEWER
   */
  static async recover(options: RemoteOptions): Promise<Remote> {
    // The store may be of another copy of this package, which has loaded its own.
    await loadChecksum()
    const store = new RemoteStore(options.opened, options.host, options.chunkPages)
    const db = new Database(await options.loadSqlite(), store.storage)
    let remote: Remote | null = null
    try {
      if (!migrate(db, options.mutator)) hardenSchema(db)
      const changeset = store.storage.commit()
      if (changeset !== null) store.append(changeset)
      remote = new Remote(options, store, db)
      const decided = await remote.#steps.stepAll()
      await store.streams.flush()
      remote.#flushed = remote.#snapshot()
      remote.#size.look(remote.#steps.db, remote.#flushed.pages.length)
      remote.#effects?.settle(decided)
      return remote
    } catch (error) {
      const last = remote === null ? db : remote.#steps.db
      last.close()
      throw error
    }
  }

  get epoch(): string {
    return this.#store.epoch
  }

  lsn(): Lsn {
    return this.#flushed.lsn
  }

  async position(): Promise<Lsn> {
    if (this.#failure !== null) throw this.#failure
    return this.#flushed.lsn
  }

  get checksum(): bigint {
    return this.#flushed.checksum
  }

  get pages(): Snapshot["pages"] {
    return this.#flushed.pages
  }

  get connectedCount(): number {
    return this.#connected.count
  }

  /** Mutations that were received and are not decided yet. */
  get waitingCount(): number {
    return this.#steps.waitingCount
  }

  get failure(): LfError | null {
    return this.#failure
  }

  /** Connects an admitted client and sends its welcome. @throws CLIENT_PROOF */
  connect({ pipe, hello, rights, rights: { user } }: ConnectOptions): ServedClient {
    const clientId = clientIdOf(hello.secret)
    this.#clients.checkOwner(clientId, user)
    // A cursor ahead of ours is from another epoch and counts as 0 (T2).
    const hasOurEpoch = hello.epoch === this.epoch && hello.cursor <= this.#flushed.lsn
    const client = new ConnectedClient({ pipe, clientId, rights, hasOurEpoch })
    this.#connected.add(client)
    const journal = this.#clients.find(clientId)
    client.send({
      type: "welcome",
      epoch: this.epoch,
      clientLsn: journal?.lsn() ?? LSN_ZERO,
      clientHash: journal?.hashAt(journal.lsn()) ?? 0n,
      lsn: this.#flushed.lsn,
      checksum: this.#flushed.checksum,
      schema: this.#options.mutator.migrations.map(({ hash }) => hash),
      user,
    })
    return this.#connected.serve(client, (message, refused) => {
      this.#inbox.push({ client, message, refused })
      this.#wake()
    })
  }

  isMutation(name: string): boolean {
    return this.#options.mutator.has(name)
  }

  /** The durable rows: no caller sees a change that a crash could undo (I4). */
  async read<R>(query: Query<R>): Promise<R[]> {
    return (await this.readAt(query)).rows
  }

  /** The durable rows, and the position that they are of. */
  readAt<R>(query: Query<R>, onChanged?: OnChanged): Promise<RowsAt<R>> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const rows = this.#reads.add(compileQuery(query), onChanged) as Promise<RowsAt<R>> // the author's assertion about the rows
    this.#wake()
    return rows
  }

  /** The applied rows, flushed or not: for tests. Use `read` elsewhere. */
  query<R>(query: Query<R>): R[] {
    if (this.#failure !== null) throw this.#failure
    return this.#reads.run(this.#steps.db, compileQuery(query)) as R[] // as above
  }

  /**
   * Runs a mutation of this process. Resolves when its outcome is durable: for a `uid` that came before, what it was.
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE DOC_STOPPED
   */
  async mutate(name: string, args: unknown, author: Author, uid?: string): Promise<Outcome> {
    if (this.#failure !== null) throw this.#failure
    const outcome = this.#own.add(name, args, author, uid)
    this.#wake()
    return await outcome
  }

  /** Disconnects all clients, with `code`; runs what was received, writes a checkpoint (see `closesAtOnce`), closes the log. */
  async close(code?: LfError["code"]): Promise<void> {
    await this.#effects?.stop()
    await this.#idle()
    // What comes from now on starts no loop beside this one.
    this.#isClosing = true
    this.#connected.refuseAll("the server is shutting down", code)
    try {
      if (this.#failure === null) {
        await this.#steps.stepAll()
        this.#store.life.append({ isOver: true })
        const isBrief = this.#options.closesAtOnce === true && !this.#store.isCheckpointDue
        await this.#checkpoints.run(() => (isBrief ? this.#store.streams.flush() : this.#checkpoint()))
      }
    } finally {
      this.#failure ??= new LfError("DOC_STOPPED", "the document was closed")
      this.#failWaiters(this.#failure)
      await closeDatabaseAndLog(this.#steps.db, this.#store.streams)
    }
  }

  /** Writes main.db with all that was received, while mutations go on. A failure stops the document (T19). */
  async checkpoint(): Promise<void> {
    await this.#idle()
    if (this.#failure === null) await this.#steps.analyze()
    this.#wake()
    await this.#idle()
    await this.#checkpointOrStop()
  }

  async #checkpointOrStop(): Promise<void> {
    try {
      await this.#checkpoints.run(() => this.#checkpoint())
    } catch (cause) {
      const error = toLfError(cause, "DOC_STOPPED")
      this.#stop(error)
      throw error
    }
  }

  /** Resolves when no loop runs: one that ends may start the next. */
  async #idle(): Promise<void> {
    while (this.#loop !== null) await this.#loop
  }

  /** Rejects the calls of this process that wait. What is durable takes effect at the next opening. */
  #failWaiters(error: LfError): void {
    this.#own.fail(error)
    this.#reads.fail(error)
  }

  async #checkpoint(): Promise<void> {
    this.#steps.forgetDone()
    this.#outcomes.forget((clientId) => this.#clients.seen(clientId))
    this.#ownOutcomes.forget()
    this.#effects?.marks.forget()
    this.#release(this.#clients.ids())
    this.#gone.keep()
    await this.#store.checkpoint()
  }

  /** Starts the loop; one that is running runs once more. */
  #wake(): void {
    this.#isDue = true
    if (this.#loop !== null || this.#failure !== null || this.#isClosing) return
    this.#loop = this.#run().finally(() => {
      this.#loop = null
      if (this.#isDue) this.#wake()
    })
  }

  /** Drains, steps, flushes once, then answers and announces: nothing is sent before it is durable (I3, I4). */
  async #run(): Promise<void> {
    try {
      // Waits one microtask, so that one flush covers requests that arrive together.
      await Promise.resolve()
      this.#isDue = false
      const answers: (() => void)[] = []
      for (const { client, message, refused } of this.#inbox.splice(0)) {
        if (!this.#clients.isOwner(client.clientId, client.user)) continue
        if (message.type === "sync-mutations") {
          const reply = this.handleClientMutations(client, message, refused)
          answers.push(() => client.send(reply))
        } else this.handleClientSyncStorage(client, message)
      }
      const { host, onDurable } = this.#options
      const startedMs = host.nowMs()
      const decided = await this.#steps.stepAll()
      const steppedMs = host.nowMs()
      if (this.#isCheckpointDue) await this.#steps.analyze()
      await this.#store.streams.flush()
      this.#flushed = this.#snapshot()
      this.#size.look(this.#steps.db, this.#flushed.pages.length)
      for (const answer of answers) answer()
      this.#own.settle(decided)
      this.#effects?.settle(decided)
      if (decided.length > 0) onDurable?.({ decided, startedMs, steppedMs, flushedMs: host.nowMs() })
      this.#release(new Set(decided.map(({ clientId }) => clientId)))
      this.#reads.watches.notify(this.#store.storage.takeChanges())
      this.announce()
      await this.#answerReads()
      // One that fails has stopped the document.
      if (this.#isCheckpointDue) void this.#checkpointOrStop().catch(() => {})
    } catch (error) {
      this.#stop(toLfError(error, "DOC_STOPPED"))
    }
  }

  get #isCheckpointDue(): boolean {
    return this.#store.isCheckpointDue && !this.#checkpoints.isBusy
  }

  /** Answers reads for one slice, then yields to other requests of this and other documents (H8). */
  async #answerReads(): Promise<void> {
    const hasMore = this.#reads.answer(this.#steps.db, this.#flushed.lsn)
    await this.#steps.recover()
    if (!hasMore) return
    this.#isDue = true
    await this.#options.host.yieldToLoop?.()
  }

  /** Merges a batch (`BatchMerger.merge`); a repeated one changes nothing. */
  handleClientMutations(
    client: ConnectedClient,
    message: SyncMutations,
    refused: readonly RefusedRange[],
  ): MutationsReply {
    const { clientId } = client
    this.#clients.confirm(clientId, message.confirmed)
    this.#release([clientId])
    const reply = this.#merger.merge(client, message, refused)
    this.#gone.note(clientId, message.confirmed)
    return reply
  }

  /** Drops applied mutations whose effect is delivered: journals are bounded, whatever clients confirm (I17). */
  #release(clientIds: Iterable<string>): void {
    const effects = this.#effects
    for (const id of clientIds) this.#clients.release(id, effects === null ? END : effects.marks.delivered(id))
  }

  /** Keeps the request until there are changes after its cursor. */
  handleClientSyncStorage(client: ConnectedClient, message: SyncStorage): void {
    client.waiting = message
    this.#clients.noteSeen(client.clientId, message.outcomesSeen)
    this.#gone.note(client.clientId, message.outcomesSeen)
    if (message.cursor === LSN_ZERO) client.hasOurEpoch = false
  }

  /** Answers every waiting request whose cursor is behind. */
  announce(): void {
    this.#connected.announce(this.#flushed, this.#store.history, this.#outcomes)
  }

  #snapshot(): Snapshot {
    const { storage } = this.#store
    return { lsn: this.#store.lsn(), checksum: storage.checksum, pages: storage.snapshot() }
  }

  /** Called when storage failed: nothing is acknowledged; clients connect again and get the durable state (T19). */
  #stop(error: LfError): void {
    if (this.#failure !== null) return
    this.#failure = error
    void this.#effects?.stop()
    this.#failWaiters(error)
    this.#connected.refuseAll("the document stopped")
    this.#options.onStopped?.(error)
  }
}
