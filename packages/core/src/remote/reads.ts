import { type LfError, toLfError } from "../base/error.ts"
import type { Cancel, Host } from "../base/host.ts"
import type { Lsn } from "../base/lsn.ts"
import { type Database, QUERY_MS_MAX, QUERY_STEPS_MAX } from "../sqlite/database.ts"
import type { Sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import { PageWatches } from "./page-watches.ts"

/** After this time on reads the document's loop continues with other requests (H8). */
const SLICE_MS = 20

/** Rows, and the position of the document that they are of. */
export interface RowsAt<R> {
  readonly rows: R[]
  readonly lsn: Lsn
  /** Ends the watch of a read with `onChanged`. */
  readonly stop: Cancel
}

/** Called once, when a page that the rows were made from has changed, or the document is closed. */
export type OnChanged = () => void

interface Read {
  readonly query: Sql<unknown>
  readonly onChanged: OnChanged | undefined
  readonly resolve: (rows: RowsAt<Row>) => void
  readonly reject: (error: LfError) => void
}

/** Queries of this process that wait for the document's loop: they read durable rows, each within its budget. */
export class Reads {
  readonly #host: Host
  readonly #msMax: number
  readonly #waiting: Read[] = []
  readonly watches = new PageWatches()

  constructor(host: Host, msMax = QUERY_MS_MAX) {
    this.#host = host
    this.#msMax = msMax
  }

  /** Rejects with SQL_ERROR, SQL_DENIED, SQL_LIMIT, or the error that stopped the document. */
  add(query: Sql<unknown>, onChanged?: OnChanged): Promise<RowsAt<Row>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ query, onChanged, resolve, reject })
    })
  }

  /** Answers waiting queries for one slice, at least one, on a database that is at `lsn`. Returns whether more wait. */
  answer(db: Database, lsn: Lsn): boolean {
    const endMs = this.#host.monotonicMs() + SLICE_MS
    for (let read = this.#waiting.shift(); read !== undefined; read = this.#waiting.shift()) {
      const { resolve, reject } = read
      try {
        resolve({ ...this.#run(db, read), lsn })
      } catch (error) {
        reject(toLfError(error, "SQL_ERROR"))
      }
      if (this.#host.monotonicMs() >= endMs) break
    }
    return this.#waiting.length > 0
  }

  #run(db: Database, { query, onChanged }: Read): Omit<RowsAt<Row>, "lsn"> {
    if (onChanged === undefined) return { rows: this.run(db, query), stop: () => {} }
    const { rows, pages } = this.#within(db, () => db.track<Row>(query as Sql<Row>)) // as below
    return { rows: [...rows], stop: this.watches.add(pages, onChanged) }
  }

  /** The rows, synchronously. @throws SQL_ERROR SQL_DENIED SQL_LIMIT */
  run(db: Database, query: Sql<unknown>): Row[] {
    return this.#within(db, () => db.all<Row>(query as Sql<Row>)) // a query without a type of its own
  }

  #within<T>(db: Database, work: () => T): T {
    const nowMs = () => this.#host.monotonicMs()
    db.setClock(() => this.#host.nowMs())
    const budget = { steps: QUERY_STEPS_MAX, deadline: { atMs: nowMs() + this.#msMax, nowMs } }
    return db.within(budget, work)
  }

  fail(error: LfError): void {
    this.watches.end()
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
