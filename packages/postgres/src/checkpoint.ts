import { LfError } from "@lf/core"
import { concatBytes, PAGE_BYTES, pagesChecksum } from "@lf/core/internal"
import type pg from "pg"

/** 1 MB: one part is in memory at a time, here and in the database. */
const PART_PAGES = 256

/** Pages in parts under a number of their own, which no document points to before the rollup. */
export interface Prepared {
  readonly pages: readonly Uint8Array[]
  readonly checkpoint: bigint
  readonly checksum: bigint
}

/** The number is never given twice: parts that a deposed owner writes late do not mix with another's. */
const NEXT_CHECKPOINT = "select nextval('lf.number') as checkpoint"

const INSERT_PART = `
insert into lf.checkpoint_part (doc, checkpoint, part, bytes)
select doc, $3, $4, $5 from lf.document where doc = $1 and fence = $2`

/** Writes parts one by one. @throws LOG_DEPOSED when the fence is another's by now */
export async function writeParts(
  pool: pg.Pool,
  { doc, fence }: { readonly doc: string; readonly fence: bigint },
  pages: readonly Uint8Array[],
): Promise<Prepared> {
  const { rows } = await pool.query<{ checkpoint: string }>(NEXT_CHECKPOINT)
  const checkpoint = BigInt(rows[0].checkpoint)
  let checksum = 0n
  for (let at = 0; at < pages.length; at += PART_PAGES) {
    const part = pages.slice(at, at + PART_PAGES)
    checksum ^= pagesChecksum(part, at + 1)
    const { rowCount } = await pool.query(INSERT_PART, [doc, fence, checkpoint, at / PART_PAGES, concatBytes(part)])
    if (rowCount !== 1) throw new LfError("LOG_DEPOSED", "another owner took over while pages were written")
  }
  return { pages, checkpoint, checksum }
}

/** @throws LOG_CORRUPT when a part is missing or damaged */
export async function readParts(
  client: pg.ClientBase,
  { doc, checkpoint }: { readonly doc: string; readonly checkpoint: string },
  { pageCount, checksum }: { readonly pageCount: number; readonly checksum: bigint },
): Promise<Uint8Array[]> {
  const pages: Uint8Array[] = []
  for (let part = 0; pages.length < pageCount; part++) {
    const { rows } = await client.query<{ bytes: Buffer }>({
      name: "lf part",
      text: "select bytes from lf.checkpoint_part where doc = $1 and checkpoint = $2 and part = $3",
      values: [doc, checkpoint, part],
    })
    const bytes = rows.at(0)?.bytes
    const expected = Math.min(PART_PAGES, pageCount - pages.length) * PAGE_BYTES
    if (bytes?.length !== expected)
      throw new LfError(
        "LOG_CORRUPT",
        `part ${part} of the checkpoint has ${bytes?.length ?? 0} bytes, not ${expected}`,
      )
    for (let at = 0; at < bytes.length; at += PAGE_BYTES)
      pages.push(new Uint8Array(bytes.subarray(at, at + PAGE_BYTES)))
  }
  if (pagesChecksum(pages) !== checksum) throw new LfError("LOG_CORRUPT", "the checkpoint's pages fail their checksum")
  return pages
}
