import { assert } from "../base/assert.ts"
import { isLfError, LfError, toLfError } from "../base/error.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import { authorize, type SqlMode } from "./authorizer.ts"
import type { SqliteModule } from "./module.ts"
import { RowReader } from "./row-reader.ts"
import { PRAGMAS, SQLITE_LIMITS } from "./settings.ts"
import { compileQuery, type Query, type Sql } from "./sql.ts"
import { sqliteError } from "./sqlite-error.ts"
import { Arena, bindAll, columnNames, cText, hasStatement, putText, type Row } from "./statement.ts"
import { StatementCache } from "./statement-cache.ts"
import type { SqlValue } from "./value.ts"
import { type OtherDatabase, type PageStore, PageVfs, registerVfs } from "./vfs.ts"

const OPEN_READWRITE_CREATE = 0x6
const ROW = 100
const DONE = 101
const FCNTL_RESET_CACHE = 42
const DBSTATUS_DEFERRED_FKS = 10
const TESTCTRL_LOCALTIME_FAULT = 18
const TESTCTRL_PRNG_SEED = 28
const DBCONFIG_DEFENSIVE = 1010
const DBCONFIG_TRUSTED_SCHEMA = 1017
/**
 * A value that a STRICT table refuses. SQLite (3.40 to 3.53) takes such a statement for one that cannot fail halfway: an
 * `or replace` keeps what it did before, with an index that misses a row.
 */
const CONSTRAINT_DATATYPE = 3091
/** Virtual machine steps between two checks of the budget: about 20 µs. */
const PROGRESS_STEPS = 1_000
const DELETE = 9

/** What one query may take, in the browser and at the server: steps, as a mutation may, and time (H8). */
export const QUERY_STEPS_MAX = 30_000_000
export const QUERY_MS_MAX = 1_000

export interface TrackedRows {
  readonly rows: Row[]
  /** Every page that the rows depend on, schema included. */
  readonly pages: Set<number>
  readonly asksClock: boolean
}

interface Run {
  readonly mode: SqlMode
  readonly before: readonly Row[]
  take(row: Row): void
}

export interface AttachOptions {
  readonly others?: readonly OtherDatabase[]
  readonly setUp?: (db: Database) => void
}

/** What some work may cost: steps of SQLite's virtual machine, and a moment of a clock that only grows. */
export interface Budget {
  readonly steps: number
  readonly deadline?: { readonly atMs: number; nowMs(): number }
}

/** One connection to one document's pages, on a wasm instance of its own. Synchronous; never used re-entrantly. */
export class Database {
  readonly #module: SqliteModule
  readonly #vfs: PageVfs
  readonly #arena: Arena
  readonly #scratch: number
  readonly #name: number
  readonly #pagesMax: number | undefined
  /** Why a statement ended with a part of it done. Only a rollback to before it helps, and clears this. */
  halfway: LfError | null = null
  #db = 0
  #mode: SqlMode = "internal"
  #denied = ""
  #statements: StatementCache
  #stepsLeft = Number.POSITIVE_INFINITY
  #deadline: Budget["deadline"]
  #isOverBudget = false
  #isInside = false
  #crash: LfError | null = null
  /** While set, collects the tables that a statement says `delete` to itself, not by a trigger. */
  #deletedFrom: Set<string> | null = null
  readonly #setUp: (db: Database) => void
  /** Where the name of each attached database lies. */
  readonly #attached: number[] = []

  /** `setUp` completes each new connection, as with what it attaches of `others`. */
  constructor(module: SqliteModule, pages: PageStore, { others = [], setUp = () => {} }: AttachOptions = {}) {
    this.#module = module
    this.#setUp = setUp
    this.#vfs = new PageVfs(module, pages)
    this.#pagesMax = pages.pageCountMax
    this.#scratch = module._sqlite3_malloc(64)
    this.#name = putText(module, "doc").at
    for (const { file, pages: other, name } of others) {
      this.#vfs.add(file, other)
      this.#attached.push(putText(module, name).at)
    }
    this.#arena = new Arena(module)
    this.#statements = new StatementCache(module)
    assert(registerVfs(module, this.#vfs) === 0, "the VFS registers")
    // `localtime` differs between devices: it fails everywhere instead.
    this.#variadic(1)
    module._sqlite3_test_control(TESTCTRL_LOCALTIME_FAULT, this.#scratch + 16)
    this.#open()
  }

  /**
   * What the wasm threw instead of a result code. Its stack pointer is then undefined: the instance must not be used
   * any more, every later call throws this, and the pages under it are as they were committed (T43).
   */
  get crash(): LfError | null {
    if (this.#isInside) this.#crash ??= new LfError("SQL_CRASHED", ERROR_CODES.SQL_CRASHED)
    return this.#crash
  }

  /** Rows of a query. @throws SQL_ERROR SQL_DENIED SQL_BAD_PARAMETER SQL_MULTIPLE SQL_LIMIT SQL_CORRUPT */
  all<R = Row>(query: Query<R>, mode: SqlMode = "query"): R[] {
    const { sql, parameters } = compileQuery(query)
    return this.#rows(sql, parameters, mode) as R[] // `R` is the author's assertion about the rows
  }

  /** Runs a statement for its effect. */
  run(query: Query<unknown>, mode: SqlMode): { changes: number } {
    const before = this.inTransaction
    this.all(query, mode)
    if (before && !this.inTransaction && mode !== "internal") {
      throw new LfError("SQL_DENIED", "the statement ended the transaction: leave transactions to lf")
    }
    return { changes: this.#module._sqlite3_changes(this.#db) }
  }

  /** Runs one statement of a migration. The tables that it says `delete` to, by name. */
  runMigration(query: Query<unknown>): ReadonlySet<string> {
    // A prepared statement would not ask the authorizer again.
    this.#statements.clear()
    const deletedFrom = new Set<string>()
    this.#deletedFrom = deletedFrom
    try {
      this.run(query, "migration")
      return deletedFrom
    } finally {
      this.#deletedFrom = null
    }
  }

  /** Calls `visit` with each row of one of our own queries, one at a time. @throws as `all`, and the LfError of `visit` */
  each(sql: string, visit: (row: Row) => void): void {
    this.#inside(() => this.#run({ sql, parameters: [] }, { mode: "internal", before: [], take: visit }))
  }

  /** Runs one of our own statements. */
  exec(sql: string, ...parameters: readonly SqlValue[]): Row[] {
    return this.#rows(sql, parameters, "internal")
  }

  /**
   * A query, and every page that its rows were made from. The pager's cache is emptied first, so nothing is missed. Rows
   * equal to those of `before`, its last result, are the same objects.
   */
  track<R = Row>(query: Query<R>, before: readonly Row[] = []): TrackedRows {
    this.resetCache()
    const pages = new Set<number>()
    this.#vfs.reads = pages
    this.#vfs.clockAsked = false
    try {
      const { sql, parameters } = compileQuery(query)
      return { rows: this.#rows(sql, parameters, "query", before), pages, asksClock: this.#vfs.clockAsked }
    } finally {
      this.#vfs.reads = null
    }
  }

  /** Time and randomness for what follows: SQL's clock, and a seed for random() (0: the host's randomness). */
  setClock(nowMs: () => number): void {
    this.#vfs.nowMs = nowMs
  }

  seed(seed: number): void {
    if (this.crash !== null) return
    const at = this.#scratch + 16
    this.#variadic(seed | 0)
    this.#module._sqlite3_test_control(TESTCTRL_PRNG_SEED, at)
  }

  /** Bounds everything until the next call: about `steps` steps of SQLite's virtual machine. @throws SQL_LIMIT later */
  setBudget(steps: number): void {
    this.#stepsLeft = steps
  }

  /** Runs `work` within `budget`, then without one. @throws SQL_LIMIT and what `work` throws */
  within<T>({ steps, deadline }: Budget, work: () => T): T {
    this.#stepsLeft = steps
    this.#deadline = deadline
    try {
      return work()
    } finally {
      this.#stepsLeft = Number.POSITIVE_INFINITY
      this.#deadline = undefined
    }
  }

  get inTransaction(): boolean {
    return this.crash === null && this.#module._sqlite3_get_autocommit(this.#db) === 0
  }

  /** How many pages SQLite makes at the most. */
  get pageCountMax(): number {
    return this.#pagesMax ?? Number.MAX_SAFE_INTEGER
  }

  /** Pages that hold something, with what the open transaction wrote: those on the freelist are room. */
  get pagesUsed(): number {
    const [[pages], [free]] = [this.exec("pragma page_count"), this.exec("pragma freelist_count")]
    return Number(pages.page_count) - Number(free.freelist_count)
  }

  /** Foreign keys whose check was put off and that do not hold now: a COMMIT would fail. */
  get hasDeferredViolations(): boolean {
    const out = this.#scratch + 32
    this.#inside(() => this.#module._sqlite3_db_status(this.#db, DBSTATUS_DEFERRED_FKS, out, out + 4, 0))
    return new DataView(this.#module.HEAPU8.buffer).getInt32(out, true) > 0
  }

  /** Empties the pager's cache: the pages changed under the connection (T16). */
  resetCache(): void {
    assert(!this.inTransaction, "pages are swapped between transactions")
    for (const name of [0, ...this.#attached]) {
      const code = this.#inside(() => this.#module._sqlite3_file_control(this.#db, name, FCNTL_RESET_CACHE, 0))
      assert(code === 0, "the pager's cache can be reset")
    }
  }

  /** Opens a new connection on the same pages: the schema changed under it, perhaps with an equal cookie (T16). */
  reopen(): void {
    this.close()
    this.#open()
  }

  close(): void {
    const db = this.#db
    this.#db = 0
    // Its memory goes with the instance.
    if (this.crash !== null) return
    this.#inside(() => {
      this.#statements.clear()
      if (db !== 0) this.#module._sqlite3_close_v2(db)
    })
  }

  #open(): void {
    const out = this.#scratch
    const code = this.#module._sqlite3_open_v2(this.#name, out, OPEN_READWRITE_CREATE, 0)
    this.#db = new DataView(this.#module.HEAPU8.buffer).getInt32(out, true)
    assert(code === 0, "SQLite opens")
    const ask = (_app: number, action: number, first: number, second: number, _schema: number, trigger: number) =>
      this.#authorize(action, first, second, trigger)
    this.#module.set_authorizer(this.#db, ask, 0)
    this.#module.progress_handler(this.#db, PROGRESS_STEPS, () => this.#progress(), 0)
    this.#dbConfig(DBCONFIG_TRUSTED_SCHEMA, 0)
    this.#dbConfig(DBCONFIG_DEFENSIVE, 1)
    for (const { id, max } of SQLITE_LIMITS) this.#module._sqlite3_limit(this.#db, id, max)
    for (const pragma of PRAGMAS) this.exec(pragma)
    if (this.#pagesMax !== undefined) this.exec(`pragma max_page_count=${this.#pagesMax}`)
    this.#setUp(this)
  }

  /** Calls the wasm. After it throws anything but our errors it is never called again. @throws SQL_CRASHED */
  #inside<T>(work: () => T): T {
    if (this.crash !== null) throw this.crash
    // Reset only after a normal return: at the end of the stack the handler below may fail like what it handles.
    this.#isInside = true
    try {
      const result = work()
      this.#isInside = false
      return result
    } catch (thrown) {
      if (!isLfError(thrown)) throw this.crash
      this.#isInside = false
      throw thrown
    }
  }

  #authorize(action: number, first: number, second: number, trigger: number): number {
    const [name, what, by] = [first, second, trigger].map((at) => cText(this.#module, at))
    const answer = authorize(this.#mode, action, { first: name, second: what, trigger: by })
    if (answer !== 0) this.#denied = `${name} ${what}`.trim()
    if (action === DELETE && trigger === 0) this.#deletedFrom?.add(name)
    return answer
  }

  #progress(): number {
    this.#stepsLeft -= PROGRESS_STEPS
    const isInTime = this.#deadline === undefined || this.#deadline.nowMs() < this.#deadline.atMs
    if (this.#stepsLeft > 0 && isInTime) return 0
    this.#isOverBudget = true
    return 1
  }

  #rows(sql: string, parameters: readonly SqlValue[], mode: SqlMode, before: readonly Row[] = []): Row[] {
    const rows: Row[] = []
    this.#inside(() => this.#run({ sql, parameters }, { mode, before, take: (row) => rows.push(row) }))
    return rows
  }

  #run({ sql, parameters }: Sql<unknown>, { mode, before, take }: Run): void {
    // SQLite asks the authorizer when it prepares, and again in a step whose statement has expired.
    this.#mode = mode
    const statement = this.#statements.acquire(mode, sql, () => this.#prepare(sql, mode))
    const { stmt } = statement
    const reader = new RowReader(this.#module, statement, before)
    try {
      bindAll(this.#arena, stmt, parameters)
      while (this.#step(stmt)) take(reader.read())
      this.#release(stmt)
    } catch (error) {
      // After anything else than a result code the wasm is not called any more.
      if (isLfError(error)) this.#release(stmt)
      throw error
    }
  }

  #prepare(sql: string, mode: SqlMode): { stmt: number; names: readonly string[] } {
    const module = this.#module
    const { at: pointer, length } = putText(module, sql)
    const out = this.#scratch
    this.#denied = ""
    const code = module._sqlite3_prepare_v3(this.#db, pointer, length + 1, 1, out, out + 4)
    try {
      if (code !== 0) throw this.#error(code)
      const view = new DataView(module.HEAPU8.buffer)
      const stmt = view.getInt32(out, true)
      const rest = view.getInt32(out + 4, true)
      if (stmt === 0) throw new LfError("SQL_ERROR", "expected a statement, got an empty text")
      if (hasStatement(module.HEAPU8, rest, pointer + length)) {
        module._sqlite3_finalize(stmt)
        throw new LfError("SQL_MULTIPLE", "expected one statement, got more: call once for each")
      }
      if (mode === "query" && module._sqlite3_stmt_readonly(stmt) === 0) {
        module._sqlite3_finalize(stmt)
        throw new LfError("SQL_DENIED", "expected a query that reads, got one that writes: use a mutation")
      }
      return { stmt, names: columnNames(module, stmt) }
    } finally {
      module._sqlite3_free(pointer)
    }
  }

  /** Whether there is a row. */
  #step(stmt: number): boolean {
    const code = this.#module._sqlite3_step(stmt)
    if (code === ROW) return true
    if (code === DONE) return false
    throw this.#error(code)
  }

  #release(stmt: number): void {
    this.#module._sqlite3_reset(stmt)
    this.#module._sqlite3_clear_bindings(stmt)
  }

  #error(code: number): LfError {
    const failure = this.#vfs.failure
    if (failure !== null) {
      this.#vfs.failure = null
      return toLfError(failure, "SQL_CORRUPT")
    }
    if (this.#isOverBudget) {
      this.#isOverBudget = false
      return new LfError("SQL_LIMIT", "the statement ran past its limit of time or steps; an index or a limit may help")
    }
    const message = cText(this.#module, this.#module._sqlite3_errmsg(this.#db))
    const error = sqliteError(code, this.#denied === "" ? message : `${message} (${this.#denied})`)
    if (this.#module._sqlite3_extended_errcode(this.#db) === CONSTRAINT_DATATYPE) this.halfway = error
    return error
  }

  #dbConfig(option: number, on: number): void {
    const at = this.#scratch + 16
    const view = new DataView(this.#module.HEAPU8.buffer)
    view.setInt32(at, on, true)
    view.setInt32(at + 4, 0, true)
    this.#module._sqlite3_db_config(this.#db, option, at)
  }

  /** C's variadic arguments lie in memory: one int, then a null pointer. */
  #variadic(value: number): void {
    const view = new DataView(this.#module.HEAPU8.buffer)
    view.setInt32(this.#scratch + 16, value, true)
    view.setInt32(this.#scratch + 20, 0, true)
  }
}
