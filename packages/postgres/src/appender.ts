import type pg from "pg"
import { oneParameter } from "./one-parameter.ts"
import { toStoreError } from "./store-error.ts"

/** What one statement carries at the most, unless a single flush is larger. Bounds memory here and in the database. */
const STATEMENT_BYTES_MAX = 4_000_000

/** One document's flush: written only if `fence` is still the document's and `position` still its last row. */
export interface Flush {
  readonly doc: string
  readonly fence: bigint
  readonly position: number
  readonly bytes: Uint8Array
}

interface Waiting extends Flush {
  /** It was in a statement that was held up, and no document of it was locked. */
  isSuspect: boolean
  readonly resolve: (isWritten: boolean) => void
  readonly reject: (error: unknown) => void
}

// A document whose fence or position differs drops out of `moved`; the others are written. No two statements wait for each other: a node
// that matches a row has taken it, so no earlier owner's statement holds it, nor matches it afterwards. The commit waits for the
// disk whatever the connection was left with: a pooler may have given it to others (I3).
const APPEND = `
with durable as materialized (
  select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'
), moved as (
  update lf.document as document
  set position = document.position + 1, log_bytes = document.log_bytes + length, changed_at = clock_timestamp()
  from unnest($1::text[], $2::bigint[], $3::bigint[], $5::integer[], $6::integer[])
    as given(doc, fence, position, start, length)
  where document.doc = given.doc and document.fence = given.fence and document.position = given.position
  returning document.doc, document.number, document.position, start, length
), written as (
  insert into lf.log (document, position, bytes)
  select number, position, substring($4::bytea from start for length) from moved
  where (select count(*) from durable) >= 0
)
select doc from moved`

const FREE = "select doc from lf.document where doc = any($1) for no key update skip locked"

/** Another session holds a lock for longer than is waited. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "55P03"
}

/** One statement for the flushes of all documents of a node. While one is under way, the next ones gather. */
export class Appender {
  readonly #pool: pg.Pool
  #waiting: Waiting[] = []
  #isRunning = false

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Durable when it answers true; false: the document has another fence or position, and nothing was written. @throws LOG_FAILED, LOG_FULL */
  append(flush: Flush): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...flush, isSuspect: false, resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      // What was just acknowledged is appended to again at once: without a turn it would miss this statement, and every
      // second one would carry a single flush.
      await new Promise(setImmediate)
      const batch = this.#takeBatch()
      try {
        const { rows } = await this.#pool.query<{ doc: string }>(appendOf(batch))
        const written = new Set(rows.map(({ doc }) => doc))
        for (const { doc, resolve } of batch) resolve(written.has(doc))
      } catch (error) {
        const reason = toStoreError(error, "appending")
        const free = isLocked(error) ? await this.#freeOf(batch) : null
        // Where one is locked, it held up the others. Where none is, it was free again by then, or a table is locked: once.
        const isSuspect = free?.size === batch.length
        const isAgain = (one: Waiting) => free?.has(one.doc) === true && !(isSuspect && one.isSuspect)
        this.#waiting.unshift(...batch.filter(isAgain).map((one) => ({ ...one, isSuspect })))
        for (const one of batch) if (!isAgain(one)) one.reject(reason)
      }
    }
    this.#isRunning = false
  }

  /** The documents that no other session has locked, once more: nothing was written. */
  async #freeOf(batch: readonly Waiting[]): Promise<ReadonlySet<string>> {
    try {
      const { rows } = await this.#pool.query<{ doc: string }>(FREE, [batch.map(({ doc }) => doc)])
      return new Set(rows.map(({ doc }) => doc))
    } catch {
      // The whole table, say.
      return new Set()
    }
  }

  /** At least one; a document's second flush waits for the next statement, since a row is updated once in each. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = []
    const later: Waiting[] = []
    const docs = new Set<string>()
    let bytes = 0
    for (const one of this.#waiting) {
      const fits = batch.length === 0 || bytes + one.bytes.length <= STATEMENT_BYTES_MAX
      if (!fits || docs.has(one.doc)) {
        later.push(one)
        continue
      }
      batch.push(one)
      docs.add(one.doc)
      bytes += one.bytes.length
    }
    this.#waiting = later
    return batch
  }
}

/** Prepared once for each connection: planning would take longer than writing. */
function appendOf(flushes: readonly Flush[]): pg.QueryConfig {
  const { bytes, starts, lengths } = oneParameter(flushes.map(({ bytes }) => bytes))
  return {
    name: "lf append",
    text: APPEND,
    values: [
      flushes.map(({ doc }) => doc),
      flushes.map(({ fence }) => fence),
      flushes.map(({ position }) => position),
      bytes,
      starts,
      lengths,
    ],
  }
}
