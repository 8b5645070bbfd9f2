import { LfError } from "@lf/core"
import { type Checkpoint, decodeRecords, encodeGroup, hash64, type LogRecord, type StoredLog } from "@lf/core/internal"
import type pg from "pg"
import { readParts } from "./checkpoint.ts"
import { inTransaction } from "./connection.ts"

/** Rows that are read at once: small ones are many, and a large one has a few MB. */
const ROWS_MAX = 200
const SALT_BITS = 53

/** One row of the log. The salt is of document and position: a row moved to another place does not parse. */
export function encodeRow(doc: string, position: number, records: readonly LogRecord[]): Uint8Array {
  return encodeGroup(saltOf(doc, position), records)
}

/** @throws LOG_CORRUPT, LOG_FORMAT_NEWER */
function decodeRow(doc: string, position: number, bytes: Uint8Array): readonly LogRecord[] {
  const { records, tail } = decodeRecords(bytes, saltOf(doc, position))
  // A database keeps or loses a row as a whole, so half of one is damage wherever it stands.
  if (tail === "torn" || bytes.length === 0) throw new LfError("LOG_CORRUPT", `row ${position} of the log is damaged`)
  return records
}

function saltOf(doc: string, position: number): number {
  return Number(BigInt.asUintN(SALT_BITS, hash64(new TextEncoder().encode(`${doc} ${position}`))))
}

interface DocumentRow {
  readonly number: string
  readonly position: string
  readonly first_position: string
  readonly checkpoint: string | null
  readonly meta: Buffer | null
  readonly page_count: string | null
  readonly pages_checksum: string | null
}

export type Recovered = StoredLog & { readonly position: number }

/**
 * What a document holds, for its owner: from one snapshot, which a later owner's rollup does not change.
 * @throws LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_DEPOSED
 */
export async function recover(pool: pg.Pool, doc: string, fence: bigint): Promise<Recovered> {
  const found = await readDocument(pool, doc, fence)
  if (found === null) throw new LfError("LOG_DEPOSED", "another owner took over while the log was opened")
  return found
}

/**
 * What a document holds at one moment: for everyone, or only for the owner with this fence; null: there is none.
 * @throws LOG_CORRUPT, LOG_FORMAT_NEWER
 */
export async function readDocument(pool: pg.Pool, doc: string, fence: bigint | null = null): Promise<Recovered | null> {
  return await inTransaction(pool, "begin isolation level repeatable read read only", async (client) => {
    const { rows } = await client.query<DocumentRow>(
      `select number, position, first_position, checkpoint, meta, page_count, pages_checksum
       from lf.document where doc = $1 and case when $2::bigint is null then moved_to is null and not is_arriving else fence = $2 end`,
      [doc, fence],
    )
    const found = rows.at(0)
    if (found === undefined) return null
    const position = Number(found.position)
    const records = await readRecords(client, {
      doc,
      number: found.number,
      from: Number(found.first_position),
      to: position,
    })
    return { position, records, checkpoint: await readCheckpoint(client, doc, found) }
  })
}

/** A database loses no row by itself, and appends give positions without gaps. */
async function readRecords(
  client: pg.ClientBase,
  {
    doc,
    number,
    from,
    to,
  }: { readonly doc: string; readonly number: string; readonly from: number; readonly to: number },
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  let expected = from
  while (expected <= to) {
    const last = Math.min(to, expected + ROWS_MAX - 1)
    const { rows } = await client.query<{ position: string; bytes: Buffer }>({
      name: "lf rows",
      text: "select position, bytes from lf.log where document = $1 and position between $2 and $3 order by position",
      values: [number, expected, last],
    })
    for (const row of rows) {
      if (Number(row.position) !== expected) break
      for (const record of decodeRow(doc, expected, viewOf(row.bytes))) records.push(record)
      expected++
    }
    if (expected <= last) throw new LfError("LOG_CORRUPT", `row ${expected} of the log is missing; ${to} is the last`)
  }
  return records
}

async function readCheckpoint(client: pg.ClientBase, doc: string, row: DocumentRow): Promise<Checkpoint | null> {
  const { checkpoint, meta, page_count: pageCount, pages_checksum: checksum } = row
  if (checkpoint === null) return null
  if (meta === null || pageCount === null || checksum === null)
    throw new LfError("LOG_CORRUPT", "what the document says of its checkpoint is damaged")
  const expected = { pageCount: Number(pageCount), checksum: BigInt.asUintN(64, BigInt(checksum)) }
  return { meta: new Uint8Array(meta), pages: await readParts(client, { doc, checkpoint }, expected) }
}

/** A plain array: what is cut from a Buffer is one too, and compares as another type. */
function viewOf({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
