import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { isWhole, type PageDelta } from "./delta.ts"

/** A document never grows past page 262,144 (1 GiB): the next one is SQLite's lock page and does not exist (T17). */
export const DOCUMENT_PAGES_MAX = 262_144

const WHOLE = 1
const HAS_BEFORE = 2

export interface PageChange {
  /** From 1. */
  readonly pageNo: number
  /** Applied one after the other to the page that the receiver has. Never empty. */
  readonly deltas: readonly PageDelta[]
}

/** What changed between two states of a database: the entry of a storage journal and the body of a page batch. */
export interface Changeset {
  /** Pages of the database afterwards. */
  readonly pageCount: number
  /** `pages` holds every page and the receiver starts from nothing. */
  readonly isWhole: boolean
  /** Checksum of the database before; null: not known any more, `after` alone decides. */
  readonly before: bigint | null
  readonly after: bigint
  /** In ascending order of page numbers. */
  readonly pages: readonly PageChange[]
}

/** The bytes that whole pages have beyond their compressed ones: as much as they have in a checkpoint. */
export function bytesUnpacked({ pages }: Changeset): number {
  let bytes = 0
  for (const { deltas } of pages) for (const delta of deltas) if (isWhole(delta)) bytes += PAGE_BYTES - delta.length
  return Math.max(0, bytes)
}

export function writeChangeset(writer: ByteWriter, changeset: Changeset): void {
  writer.uint(changeset.pageCount).u8((changeset.isWhole ? WHOLE : 0) | (changeset.before === null ? 0 : HAS_BEFORE))
  if (changeset.before !== null) writer.u64(changeset.before)
  writer.u64(changeset.after).uint(changeset.pages.length)
  let previous = 0
  for (const { pageNo, deltas } of changeset.pages) {
    writer.uint(pageNo - previous).uint(deltas.length)
    for (const delta of deltas) writer.bytes(delta)
    previous = pageNo
  }
}

/** @throws BYTES_MALFORMED */
export function readChangeset(reader: ByteReader): Changeset {
  const pageCount = reader.uint()
  if (pageCount > DOCUMENT_PAGES_MAX)
    throw new LfError("BYTES_MALFORMED", `expected at most ${DOCUMENT_PAGES_MAX} pages, got ${pageCount}`)
  const flags = reader.u8()
  const before = (flags & HAS_BEFORE) === 0 ? null : reader.u64()
  const after = reader.u64()
  const count = reader.count(3)
  const pages: PageChange[] = []
  let pageNo = 0
  for (let i = 0; i < count; i++) {
    const step = reader.uint()
    pageNo += step
    if (step === 0 || pageNo > pageCount)
      throw new LfError("BYTES_MALFORMED", `expected pages in ascending order up to ${pageCount}, got page ${pageNo}`)
    pages.push({ pageNo, deltas: readDeltas(reader) })
  }
  return { pageCount, isWhole: (flags & WHOLE) !== 0, before, after, pages }
}

function readDeltas(reader: ByteReader): PageDelta[] {
  const count = reader.count(2)
  if (count === 0) throw new LfError("BYTES_MALFORMED", "expected a delta for each changed page, got none")
  const deltas: PageDelta[] = []
  for (let i = 0; i < count; i++) deltas.push(reader.bytes())
  return deltas
}

export const changesetCodec = {
  encode(changeset: Changeset): Uint8Array {
    const writer = new ByteWriter(1024)
    writeChangeset(writer, changeset)
    return writer.end()
  },
  decode(bytes: Uint8Array): Changeset {
    const reader = new ByteReader(bytes)
    const changeset = readChangeset(reader)
    reader.end()
    return changeset
  },
}
