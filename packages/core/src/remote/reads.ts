import { type LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import type { Lsn } from "../base/lsn.ts"
import { type Database, QUERY_MS_MAX, QUERY_STEPS_MAX } from "../sqlite/database.ts"
import type { Sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"

/** After this time on reads the document's loop continues with other requests (H8). */
const SLICE_MS = 20

/** Rows, and the position of the document that they are of. */
export interface RowsAt<R> {
  readonly rows: R[]
  readonly lsn: Lsn
}

interface Read {
  readonly query: Sql<unknown>
  readonly resolve: (rows: RowsAt<Row>) => void
  readonly reject: (error: LfError) => void
}

/** Queries of this process that wait for the document's loop: they read durable rows, each within its budget. */
export class Reads {
  readonly #host: Host
  readonly #msMax: number
  readonly #waiting: Read[] = []

  constructor(host: Host, msMax = QUERY_MS_MAX) {
    this.#host = host
    this.#msMax = msMax
  }

  /** Rejects with SQL_ERROR, SQL_DENIED, SQL_LIMIT, or the error that stopped the document. */
  add(query: Sql<unknown>): Promise<RowsAt<Row>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ query, resolve, reject })
    })
  }

  /** Answers waiting queries for one slice, at least one, on a database that is at `lsn`. Returns whether more wait. */
  answer(db: Database, lsn: Lsn): boolean {
    const endMs = this.#host.monotonicMs() + SLICE_MS
    for (let read = this.#waiting.shift(); read !== undefined; read = this.#waiting.shift()) {
      const { query, resolve, reject } = read
      try {
        resolve({ rows: this.run(db, query), lsn })
      } catch (error) {
        reject(toLfError(error, "SQL_ERROR"))
      }
      if (this.#host.monotonicMs() >= endMs) break
    }
    return this.#waiting.length > 0
  }

  /** The rows, synchronously. @throws SQL_ERROR SQL_DENIED SQL_LIMIT */
  run(db: Database, query: Sql<unknown>): Row[] {
    const nowMs = () => this.#host.monotonicMs()
    db.setClock(() => this.#host.nowMs())
    const budget = { steps: QUERY_STEPS_MAX, deadline: { atMs: nowMs() + this.#msMax, nowMs } }
    return db.within(budget, () => db.all<Row>(query as Sql<Row>)) // a query without a type of its own
  }

  fail(error: LfError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
