import { LfError } from "@lf/core"
import { type Checkpoint, type DocumentLog, LogGuard, type LogRecord } from "@lf/core/internal"
import type pg from "pg"
import type { Appender } from "./appender.ts"
import { type Prepared, writeParts } from "./checkpoint.ts"
import { encodeRow } from "./recovery.ts"
import { toStoreError } from "./store-error.ts"

// One statement is one transaction: the document points to the new parts and the new first row, and what they
// replace is gone, or nothing is changed.
const ROLLUP = `
with moved as (
  update lf.document
  set position = position + 1, first_position = position + 1, log_bytes = length($4::bytea),
    changed_at = clock_timestamp(), checkpoint = $5, meta = $6, page_count = $7, pages_checksum = $8
  where doc = $1 and fence = $2 and position = $3
  returning doc, number, position, checkpoint
), live as (
  insert into lf.log (document, position, bytes) select number, position, $4 from moved
), old_rows as (
  delete from lf.log as log using moved where log.document = moved.number and log.position < moved.position
), old_parts as (
  delete from lf.checkpoint_part as part using moved where part.doc = moved.doc and part.checkpoint <> moved.checkpoint
)
select position from moved`

/** What an open log shares with the other documents of its node. */
export interface LogPlace {
  readonly doc: string
  /** This owner's number. Each owner gets a higher one, and the database refuses what states an earlier one (I14). */
  readonly fence: bigint
  readonly work: pg.Pool
  readonly appender: Appender
  /** Gives the document up, once. */
  readonly release: (log: PostgresLog) => Promise<void>
}

/** The log of one document in PostgreSQL, for its owner. */
export class PostgresLog implements DocumentLog {
  readonly isDurable = true
  readonly #place: LogPlace
  /** The last row that this owner knows of. */
  #position: number
  readonly #operations = new LogGuard()
  #isClosed = false
  #onEnd: ((error: LfError) => void) | null = null
  #prepared: Prepared | null = null

  constructor(place: LogPlace, position: number) {
    this.#place = place
    this.#position = position
  }

  get doc(): string {
    return this.#place.doc
  }

  get position(): number {
    return this.#position
  }

  get fence(): bigint {
    return this.#place.fence
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#guard("appending", async () => {
      if (records.length === 0) return
      const { doc, fence, appender } = this.#place
      const position = this.#position
      const bytes = encodeRow(doc, position + 1, records)
      if (!(await appender.append({ doc, fence, position, bytes }))) throw deposed()
      this.#position = position + 1
    })
  }

  prepare(pages: readonly Uint8Array[]): Promise<void> {
    return this.#guard("writing pages", async () => {
      this.#prepared = await writeParts(this.#place.work, this.#place, pages)
    })
  }

  rollup({ meta, pages }: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#guard("rolling up", async () => {
      const { doc, fence, work } = this.#place
      const position = this.#position
      const group = encodeRow(doc, position + 1, live)
      const pageCount = pages.length
      const prepared = this.#prepared?.pages === pages ? this.#prepared : await writeParts(work, this.#place, pages)
      this.#prepared = null
      const checksum = BigInt.asIntN(64, prepared.checksum)
      const values = [doc, fence, position, group, prepared.checkpoint, meta, pageCount, checksum]
      const { rowCount } = await work.query(ROLLUP, values)
      if (rowCount !== 1) throw deposed()
      this.#position = position + 1
    })
  }

  async confirm(): Promise<void> {
    const { doc, fence, work } = this.#place
    if (this.#operations.ended !== null) throw this.#operations.ended
    let isOwner: boolean
    try {
      // A database that was put back has the fence, and not what was written since.
      const text = "select from lf.document where doc = $1 and fence = $2 and position >= $3"
      const { rowCount } = await work.query(text, [doc, fence, this.#position])
      isOwner = rowCount === 1
    } catch (error) {
      // Appends may go on: nothing was written.
      throw toStoreError(error, "an owner was compared")
    }
    if (!isOwner) this.depose()
    if (this.#operations.ended !== null) throw this.#operations.ended
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#operations.close()
    await this.#place.release(this)
  }

  watch(onEnd: (error: LfError) => void): void {
    this.#onEnd = onEnd
  }

  /** Another owner has the document: every call from now on is refused, and so is one under way. */
  depose(): void {
    if (this.#operations.ended !== null) return
    const reason = deposed()
    this.#operations.end(reason)
    this.#onEnd?.(reason)
  }

  #guard(during: string, run: () => Promise<void>): Promise<void> {
    return this.#operations.run(run, (error) => toStoreError(error, during))
  }
}

function deposed(): LfError {
  return new LfError("LOG_DEPOSED", "another owner took over")
}
