import { isLfError } from "../base/error.ts"
import type { Local } from "../local/local.ts"
import { patchRows } from "../local/row-patch.ts"
import type { Query } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import type { Checkers } from "./checkers.ts"
import { auditQuery, type Fate, fateOf, isMade, type SimArgs, watchedQueries } from "./sim-app.ts"

interface Call {
  readonly name: string
  readonly args: SimArgs
}

interface Watched {
  readonly query: Query<unknown>
  rows: readonly Row[]
  stop: () => void
}

/** The client that the tab belongs to. */
export interface TabOwner {
  readonly name: string
  readonly hasTwin: boolean
  promised(uid: string, fate: Fate): void
}

/** What this tab's user calls, and its outcomes. */
interface CallReport {
  called(uid: string): void
  decided(uid: string, type: string): void
}

/** A tab: what its user did and was not promised yet, and the rows that it shows. It may outlive its worker. */
export class SimTab {
  readonly #client: TabOwner
  readonly #checkers: Checkers
  readonly #report: CallReport
  readonly #calls = new Map<string, Call>()
  readonly #watched: Watched[] = []
  #local: Local | null = null
  /** Something changed since the last look. */
  #isDirty = false

  constructor(client: TabOwner, checkers: Checkers, report: CallReport) {
    this.#client = client
    this.#checkers = checkers
    this.#report = report
  }

  /** The worker is there, perhaps a new one: subscribes again, and repeats calls without an answer by their uid (T28). */
  attach(local: Local, queries: readonly Query<unknown>[]): void {
    this.#local = local
    for (const query of queries) this.#subscribe(local, query)
    local.watch(() => {
      this.#isDirty = true
    })
    this.#isDirty = true
    for (const [uid, call] of this.#calls) this.#run(uid, call)
  }

  detach(): void {
    this.#local = null
    this.#watched.length = 0
  }

  call(name: string, args: SimArgs): void {
    this.#calls.set(args.uid, { name, args })
    this.#report.called(args.uid)
    this.#run(args.uid, { name, args })
  }

  /** The live queries' results, patches applied, equal a query's answer, and nothing is shown twice (I6). */
  look(): void {
    const local = this.#local
    // What is under way will be delivered together.
    if (local === null || !this.#isDirty || local.failure !== null || !local.reads.isIdle) return
    this.#isDirty = false
    for (const { query, rows } of this.#watched) {
      if (textOf(rows) !== textOf(local.query(query) as Row[])) {
        this.#checkers.fail("I6", `${this.#client.name} shows stale rows of ${JSON.stringify(query)}`)
      }
    }
    // What twins had pending when they parted shows in both bases, until the server has separated the two (T1).
    if (this.#client.hasTwin) return
    for (const { uid, n } of local.query(auditQuery)) {
      if (n > this.#checkers.runsMax(uid) && isMade(uid))
        this.#checkers.fail("I6", `${this.#client.name} shows ${uid} run ${n} times`)
    }
  }

  #subscribe(local: Local, query: Query<unknown>): void {
    const watched: Watched = { query, rows: [], stop: () => {} }
    const subscription = local.subscribe(query, (result) => {
      if (result.type === "rows") watched.rows = result.rows
      else if (result.type === "patch") watched.rows = patchRows(watched.rows, result.patch)
      else if (result.error.code !== "SQL_ERROR") this.#checkers.fail("I6", `a live query fails: ${result.error}`)
      this.#isDirty = true
    })
    watched.stop = subscription.stop
    this.#watched.push(watched)
  }

  #run(uid: string, { name, args }: Call): void {
    const local = this.#local
    if (local === null || local.failure !== null) return
    const { name: who } = this.#client
    try {
      const { durable, remote } = local.run(name, args, uid)
      durable.then(
        () => {
          this.#calls.delete(uid)
          this.#client.promised(uid, fateOf(name))
        },
        () => {
          // A worker that failed says so; one that died says nothing, and its tab asks the next one.
          if (this.#local === local) this.#calls.delete(uid)
        },
      )
      void remote.then((outcome) => {
        this.#report.decided(uid, outcome.type)
        if (outcome.type === "unknown") this.#checkers.fail("I9", `${who} does not know what became of ${uid}`)
        else this.#checkers.decided(uid, outcome)
      })
    } catch (error) {
      this.#calls.delete(uid)
      const code = isLfError(error) ? error.code : ""
      if (isRefusal(code)) {
        if (fateOf(name) !== "always") return
        this.#checkers.fail("I7", `${who}: ${name} is refused: ${error}`)
      } else if (!code.startsWith("LOG_")) this.#checkers.fail("I21", `${who} cannot run ${name}: ${error}`)
    }
  }
}

/** The mutator said no, or failed. */
function isRefusal(code: string): boolean {
  return code.startsWith("SQL_") || code === "MUTATION_REJECTED" || code === "MUTATION_THREW"
}

/** What a tab may watch. */
export function someQueries(pick: <T>(items: readonly T[]) => T): Query<unknown>[] {
  return [pick(watchedQueries), pick(watchedQueries)]
}

function textOf(rows: readonly Row[]): string {
  return JSON.stringify(rows, (_name, value) => (value instanceof Uint8Array ? value.join(",") : value))
}
