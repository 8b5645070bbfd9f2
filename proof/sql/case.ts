import { rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  Database,
  defineMutator,
  FirstSync,
  LfError,
  LSN_ZERO,
  SeededRandom,
  type SqliteModule,
  Storage,
  View,
} from "@lf/core/testing"
import { answerTo, wordsOfAll } from "./connection.ts"
import { type Answered, firstDifference, type Native } from "./native.ts"
import { liveRead, matched, someRead, wholeFts, wholeTable } from "./reads.ts"
import { difference, Source } from "./replica.ts"
import {
  alteration,
  type Change,
  EMPTY,
  logTable,
  newFts,
  newIndex,
  newTable,
  newTrigger,
  newView,
  type Schema,
} from "./schema.ts"
import { effect, forNative, forOurs, inline, raw, type Statement, select } from "./statement.ts"
import { Watch } from "./watch.ts"
import { someWrite } from "./writes.ts"

const WATCHED_MAX = 16
/** A host without clock or randomness: nothing here uses them. */
const HOST = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  randomBytes: (count: number) => new Uint8Array(count),
  after: () => () => {},
}

/** One document, its server and a reader of it, from an empty file to a comparison of everything. */
export class Case {
  readonly figures = { transactions: 0, batches: 0, "re-runs saved": 0, "live answers": 0, "first syncs": 0, files: 0 }
  readonly #random: SeededRandom
  readonly #native: Native
  readonly #modules: readonly [SqliteModule, SqliteModule]
  readonly #source = new Source()
  readonly #answered: Answered[] = []
  readonly #view: View
  readonly #replica = new Storage()
  readonly #watch: Watch
  readonly #firstSync = new FirstSync()
  #db: Database
  #schema: Schema = EMPTY
  #readTo = this.#source.cursor
  #wrong: string | null = null
  /** A statement ended halfway, or a change of the schema failed: as in `migrate`, nothing but ROLLBACK may follow. FTS5 does not support a ROLLBACK TO. */
  #isSpoiled = false

  constructor(seed: number, modules: readonly [SqliteModule, SqliteModule], native: Native) {
    this.#random = new SeededRandom(seed)
    this.#native = native
    this.#modules = modules
    this.#db = new Database(modules[0], this.#source.storage)
    const mutator = defineMutator({ migrations: [], mutations: [] })
    const onCrash = (error: Error) => {
      this.#wrong ??= String(error)
    }
    const crashes = { crashed: new Set<string>(), onCrash }
    this.#view = new View({ module: modules[1], storage: this.#replica, mutator, host: HOST, ...crashes })
    this.#watch = new Watch(this.#view)
  }

  get records(): number {
    return this.#answered.length
  }

  /** What the shell was given, for a replay. */
  script(): string {
    return this.#answered
      .map(({ statement, answer }) => `${inline(forOurs(statement))}; -- ${wordsOfAll(answer).slice(0, 200)}`)
      .join("\n")
  }

  /** Null, or the law that did not hold. */
  async run(): Promise<string | null> {
    this.#transaction(() => this.#found())
    this.#transaction(() => this.#someSteps(8))
    const transactions = 7 + this.#random.below(8)
    for (let i = 0; i < transactions && this.#wrong === null; i++) {
      this.#transaction(() => this.#someSteps(3 + this.#random.below(14)))
      if (this.#random.chance(0.05)) this.#vacuum()
      if (this.#random.chance(0.06)) this.#restart()
      await this.#read(this.#random.chance(0.7))
    }
    if (this.#wrong === null) await this.#end()
    this.#view.close(new LfError("LOG_CLOSED", "the case is over"))
    this.#db.close()
    this.figures["re-runs saved"] = this.#watch.saved
    return this.#wrong
  }

  /** Notes `what` is wrong; null: nothing. Returns whether the law holds. */
  #holds(law: string, what: string | null): boolean {
    if (what !== null) this.#wrong ??= `${law}: ${what}`
    return what === null
  }

  #run(statement: Statement): boolean {
    const answered = answerTo(this.#db, statement)
    this.#answered.push(answered)
    const isDone = answered.answer.type === "rows"
    // SQLite's own fault, in 3.40 too: a mutation that meets it is rejected as a whole.
    if (this.#db.halfway !== null && /\bor replace\b/.test(statement.head.sql)) this.#isSpoiled = true
    this.#db.halfway = null
    if (isDone && statement.next !== undefined) this.#schema = statement.next
    return isDone
  }

  #control(text: string): boolean {
    return this.#run(effect(raw(text), { mode: "internal" }))
  }

  #change(change: Change | null): void {
    if (change === null) return
    const isDone = this.#run(effect(change.sql, { mode: "migration", next: change.next }))
    if (!isDone && this.#schema.fts.length > 0) this.#isSpoiled = true
  }

  #found(): void {
    const random = this.#random
    this.#change(logTable(this.#schema))
    for (let i = 2 + random.below(3); i > 0; i--) this.#change(newTable(random, this.#schema))
    if (random.chance(0.7)) for (const change of newFts(random, this.#schema)) this.#change(change)
    this.#hardenFts()
    for (let i = random.below(4); i > 0; i--) this.#change(newIndex(random, this.#schema))
    for (let i = random.below(3); i > 0; i--) this.#change(newView(random, this.#schema))
    for (let i = random.below(4); i > 0; i--) this.#change(newTrigger(random, this.#schema))
  }

  /** As `migrate` does (S12). The shell's FTS5 is too old for it: there an index keeps what was deleted. */
  #hardenFts(): void {
    for (const { name } of this.#schema.fts) {
      this.#db.exec(`insert into ${name}(${name}, rank) values ('secure-delete', 1)`)
    }
  }

  #transaction(work: () => void): void {
    const before = this.#schema
    this.figures.transactions++
    this.#isSpoiled = false
    this.#control(this.#random.pick(["begin", "begin immediate"]))
    work()
    const isKept =
      this.#db.inTransaction &&
      (before === EMPTY || (!this.#isSpoiled && this.#random.chance(0.85))) &&
      this.#control("commit")
    if (this.#db.inTransaction) this.#control("rollback")
    if (!isKept) this.#schema = before
    const { cursor } = this.#source
    this.#holds("the journal's copy (I5)", this.#source.commit())
    if (!isKept && this.#source.cursor !== cursor)
      this.#holds("I10", "a transaction that was rolled back changed pages")
    this.#audit()
  }

  /** Checks integrity on both sides (I16). */
  #audit(): void {
    const columns = ['"table"', "rowid", "parent", "fkid"].map(raw)
    this.#run(select(columns, raw("from pragma_foreign_key_check order by 1, 2, 3, 4"), "internal"))
    if (this.#random.chance(0.3)) {
      this.#run(select([raw("integrity_check")], raw("from pragma_integrity_check"), "internal"))
      this.#integrity("source", this.#db)
    }
    if (this.#random.chance(0.3)) this.#run(wholeTable(this.#random.pick(this.#schema.tables)))
  }

  #integrity(whose: string, db: Database): void {
    // FTS5's own check in 3.53 reads through what it remembers of its index; only a query asks whether pages were swapped.
    for (const { name } of this.#schema.fts) db.exec(`select rowid from ${name} limit 1`)
    const [{ integrity_check: verdict }] = db.exec("pragma integrity_check")
    this.#holds(`the ${whose}'s pages (I16)`, verdict === "ok" ? null : String(verdict))
  }

  #someSteps(count: number, depth = 0): void {
    const random = this.#random
    for (let i = 0; i < count && this.#db.inTransaction && !this.#isSpoiled; i++) {
      switch (random.weigh({ write: 10, read: 5, change: 1, savepoint: depth < 2 ? 0.8 : 0 })) {
        case "write":
          this.#run(someWrite(random, this.#schema))
          break
        case "read":
          this.#run(someRead(random, this.#schema))
          break
        case "change":
          this.#someChange()
          break
        case "savepoint":
          this.#savepoint(depth)
      }
    }
  }

  #someChange(): void {
    const change = this.#random.pick([alteration, alteration, alteration, newTable, newIndex, newView, newTrigger])
    this.#change(change(this.#random, this.#schema))
  }

  #savepoint(depth: number): void {
    const before = this.#schema
    this.#control(`savepoint s${depth}`)
    this.#someSteps(1 + this.#random.below(5), depth + 1)
    if (!this.#db.inTransaction || this.#isSpoiled) return
    if (this.#random.chance(0.5)) {
      this.#control(`rollback to s${depth}`)
      this.#schema = before
    }
    this.#control(`release s${depth}`)
  }

  /** Moves every page and shortens the file (T17). Denied to mutations; a restored copy may still bring it. */
  #vacuum(): void {
    this.#control("vacuum")
    this.#holds("the journal's copy (T17)", this.#source.commit())
  }

  #restart(): void {
    this.#db.close()
    this.#source.restart()
    this.#db = new Database(this.#modules[0], this.#source.storage)
  }

  /** The reader catches up, if it does; then perhaps writes something of its own that is not confirmed. */
  async #read(isOnline: boolean): Promise<void> {
    if (isOnline) await this.#catchUp()
    if (isOnline) await this.#goOn()
    while (this.#watch.count > WATCHED_MAX - 2) this.#watch.dropOldest()
    for (let i = this.#watch.count === 0 ? 10 : 2; i > 0; i--) this.#watch.add(liveRead(this.#random, this.#schema))
    if (this.#random.chance(0.4) && this.#replica.basePageCount > 0) this.#writeAhead()
  }

  /** Another reader's first sync is cut after a few parts each time, and goes on with what the document is by then. */
  async #goOn(): Promise<void> {
    const base = await this.#source.baseFor(this.#firstSync, this.#random.below(4))
    if (base === null) return
    const reader = new Storage()
    reader.replaceBase(base)
    this.figures["first syncs"]++
    this.#holds("a first sync that was cut (I5)", difference(this.#source.storage, reader))
  }

  async #catchUp(): Promise<void> {
    const batch = await this.#source.batchFor(this.#readTo)
    this.#view.swap(() => {
      batch.receive(this.#replica)
      return batch
    })
    this.#readTo = this.#source.cursor
    this.figures.batches++
    this.#holds("the reader (I5)", difference(this.#source.storage, this.#replica))
    this.#firstLook()
    this.#checkWatch("after a batch")
    this.#holds("the reader answers as the server", this.#watch.compareWith(this.#db))
    if (this.#random.chance(0.3)) this.#integrity("reader", this.#view.db)
  }

  /** Before anything that resets the pager once more: every live query does (T16). */
  #firstLook(): void {
    const statement = wholeTable(this.#random.pick(this.#schema.tables))
    const [there, here] = [this.#view.db, this.#db].map((db) => wordsOfAll(answerTo(db, statement).answer))
    this.#holds("the reader's first look (T16)", there === here ? null : forNative(statement))
  }

  #checkWatch(when: string): void {
    this.figures["live answers"] += this.#watch.count
    this.#holds(`a live query missed a change ${when}`, this.#watch.check())
  }

  /** Pending mutations, each in its savepoint, as the timeline runs them; now and then all are dropped again. */
  #writeAhead(): void {
    const { db } = this.#view
    const { checksum } = this.#replica
    db.exec("begin immediate")
    for (let i = 1 + this.#random.below(4); i > 0 && db.inTransaction; i--) {
      db.exec("savepoint ahead")
      const { answer } = answerTo(db, someWrite(this.#random, this.#schema))
      if (!db.inTransaction) break
      if (answer.type === "error" || db.hasDeferredViolations) db.exec("rollback to ahead")
      db.exec("release ahead")
    }
    if (db.inTransaction) db.exec("commit")
    this.#checkWatch("of its own")
    if (this.#random.chance(0.3)) {
      this.#view.swap(() => ({ isWhole: false }))
      this.#checkWatch("that was reverted")
    }
    if (this.#replica.checksum !== checksum) this.#holds("I5", "what is pending changed the base")
  }

  async #end(): Promise<void> {
    await this.#catchUp()
    const fresh = new Storage()
    const all = await this.#source.batchFor(LSN_ZERO)
    all.receive(fresh)
    this.#holds("a new reader (I5)", difference(this.#source.storage, fresh))
    this.#integrity("source", this.#db)
    const start = this.#answered.length
    for (const table of this.#schema.tables) this.#run(wholeTable(table))
    for (const fts of this.#schema.fts) {
      this.#run(wholeFts(fts))
      this.#run(matched(this.#random, fts))
    }
    const whole = this.#answered.slice(start)
    for (const { statement, answer } of whole) {
      const there = wordsOfAll(answerTo(this.#view.db, statement).answer)
      this.#holds("the reader's tables", there === wordsOfAll(answer) ? null : forNative(statement))
    }
    this.#holds("differs from SQLite", firstDifference(this.#answered, this.#native.run(this.#answered)))
    if (this.#random.chance(0.25)) this.#holds("as a plain file", this.#asFile(whole))
  }

  /** The pages are a SQLite file that any tool opens; only FTS5's own format is newer than the shell. */
  #asFile(whole: readonly Answered[]): string | null {
    this.figures.files++
    const file = join(tmpdir(), `lf-proof-sql-${process.pid}.db`)
    writeFileSync(file, Buffer.concat([...this.#source.storage.snapshot()]))
    try {
      const check = answerTo(this.#db, select([raw("integrity_check")], raw("from pragma_integrity_check"), "internal"))
      // 3.40 does not read an index with secure deletes: the file is marked as an old one, and the index rebuilt.
      const rebuild = this.#schema.fts.flatMap(({ name }) => [
        `update ${name}_config set v = 4 where k = 'version';`,
        `insert into ${name}(${name}) values ('rebuild');`,
      ])
      const answered = [check, ...whole]
      return firstDifference(answered, this.#native.run(answered, file, [".dbconfig defensive off", ...rebuild]))
    } finally {
      rmSync(file, { force: true })
    }
  }
}
