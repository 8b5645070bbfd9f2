import { type LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { schemaCookie } from "../sqlite/page.ts"
import { compileQuery, type Query } from "../sqlite/sql.ts"
import type { PageStore } from "../sqlite/vfs.ts"
import type { Storage } from "../storage/storage.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { RunResult } from "../timeline/outcome.ts"
import { migrate } from "../timeline/schema.ts"
import type { Timeline } from "../timeline/timeline.ts"
import { LiveQueries, type LiveSubscription } from "./live-queries.ts"
import type { LiveResult } from "./live-query.ts"
import type { LocalOptions } from "./local-options.ts"
import type { LocalProbe } from "./probe.ts"

export interface ViewOptions {
  readonly module: SqliteModule
  readonly storage: Storage
  readonly mutator: Mutator
  readonly host: Host
  readonly runsPerSlice?: number | undefined
  readonly crashed: Set<string>
  readonly onCrash: (error: LfError) => void
  readonly onRerun?: LocalOptions["onRerun"]
}

/** Pages with other content, and whether the schema may be another one. */
export interface PagesChange {
  readonly changed: ReadonlySet<number>
  readonly isSchemaNew: boolean
}

export type PagesWatcher = (change: PagesChange) => void

/** What queries read: the base with everything pending on top, and the live queries over it. */
export class View {
  readonly db: Database
  readonly queries: LiveQueries
  readonly #storage: Storage
  readonly #mutator: Mutator
  readonly #host: Host
  readonly #onCrash: (error: LfError) => void
  readonly #onRerun: LocalOptions["onRerun"]
  readonly #watchers = new Set<PagesWatcher>()
  #schemaIsLocal = false
  #probe: LocalProbe | null = null
  #stopProbe: () => void = () => {}
  /** The mutation that ran since the last `notify`; null: none, what changed came from the server. */
  #mutation: string | null = null
  /** The schema is another one than at the last `notify`, perhaps with an equal cookie. */
  #isSchemaNew = false

  /** Opens the view. Pages that are no database and do not open are dropped by `dropPages` (S11). */
  static open(options: ViewOptions, dropPages: () => void): View {
    try {
      return new View(options)
    } catch (error) {
      if (toLfError(error, "SQL_CRASHED").code !== "SQL_CORRUPT") throw error
      dropPages()
      return new View(options)
    }
  }

  constructor({ module, storage, mutator, host, runsPerSlice, crashed, onCrash, onRerun }: ViewOptions) {
    this.#onRerun = onRerun
    this.#storage = storage
    this.#mutator = mutator
    this.#host = host
    this.#onCrash = onCrash
    this.db = new Database(module, storage)
    this.queries = new LiveQueries({ db: this.db, host, runsPerSlice, crashed, onCrash })
    this.#useRealTime()
  }

  /** Development tools, while they are open. */
  set probe(probe: LocalProbe | null) {
    this.#probe = probe
    this.#stopProbe()
    this.#stopProbe = probe === null ? () => {} : this.queries.watchRuns(probe)
  }

  /** Rows at once. @throws SQL_ERROR SQL_DENIED SQL_LIMIT */
  query<R>(query: Query<R>): R[] {
    return this.queries.run(compileQuery(query)) as R[] // the author's assertion about the rows
  }

  subscribe(query: Query<unknown>, listener: (result: LiveResult) => void): LiveSubscription {
    return this.queries.listen(compileQuery(query), listener)
  }

  /** Runs a new mutation on top of what is there. */
  apply(timeline: Timeline, mutation: Mutation): { readonly outcome: RunResult; readonly thrown: unknown } {
    let thrown: unknown
    const startedMs = this.#host.monotonicMs()
    try {
      const outcome = timeline.apply(this.db, mutation, (error) => {
        thrown = error
      })
      this.#mutation = mutation.name
      this.#probe?.mutated(mutation, { outcome, thrown, ms: this.#host.monotonicMs() - startedMs })
      return { outcome, thrown }
    } finally {
      this.#useRealTime()
      this.#lookForCrash()
    }
  }

  /** Drops what is pending, lets `swap` put other pages under, and makes the connection see them (T16). */
  swap(swap: () => { readonly isWhole: boolean }): void {
    const before = this.#cookie()
    this.#mutation = null
    this.#storage.revert()
    const { isWhole } = swap()
    // Equal cookies would hide another schema: one that was made here, or one of another epoch.
    if (this.#schemaIsLocal || isWhole || this.#cookie() !== before) {
      this.#isSchemaNew = true
      this.db.reopen()
    } else this.db.resetCache()
    this.#schemaIsLocal = false
  }

  /** Brings the schema up to the code's in the overlay, then runs what is pending. */
  runPending(timeline: Timeline): void {
    try {
      this.#schemaIsLocal = migrate(this.db, this.#mutator)
      if (this.#schemaIsLocal) this.#isSchemaNew = true
      this.#rebase(timeline)
      this.#useRealTime()
    } finally {
      this.#lookForCrash()
    }
  }

  #rebase(timeline: Timeline): void {
    const onRerun = this.#onRerun
    const thrown = new Map<number, { readonly error: unknown }>()
    timeline.rebase(this.db, (index, error) => thrown.set(index, { error }))
    if (onRerun === undefined) return
    for (const [i, mutation] of timeline.pending().entries()) onRerun(mutation, thrown.get(i) ?? null)
  }

  /** Runs the queries again that read a changed page, once for all changes since the last call (I6). */
  notify(): void {
    if (this.db.crash !== null) return
    this.#useRealTime()
    const changed = this.#storage.takeChanges()
    const isSchemaNew = this.#isSchemaNew
    const mutation = this.#mutation
    this.#isSchemaNew = false
    this.#mutation = null
    this.queries.notify(changed, mutation)
    if (changed.size === 0 && !isSchemaNew) return
    for (const watcher of [...this.#watchers]) watcher({ changed, isSchemaNew })
  }

  /** The pages, for a connection that reads several documents. */
  get pages(): PageStore {
    return this.#storage
  }

  /** Calls `watcher` after each change, with what has changed since its last call. Returns its undo. */
  watchPages(watcher: PagesWatcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  close(error: LfError): void {
    this.queries.close(error)
    this.db.close()
  }

  /** Ends a mutation's own clock and randomness. */
  #useRealTime(): void {
    this.db.setClock(() => this.#host.nowMs())
    this.db.seed(0)
  }

  /** After a crash of SQLite the view must not be used: the document is opened again from its log (T43). */
  #lookForCrash(): void {
    if (this.db.crash !== null) this.#onCrash(this.db.crash)
  }

  #cookie(): number {
    return schemaCookie(this.#storage.page(1))
  }
}
