import type { Database } from "../sqlite/database.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import type { PageStore } from "../sqlite/vfs.ts"

/** Pages that one walk looks at; those that it did not come to have no owner. At 3 µs a page: 60 ms. */
const OWNER_PAGES_MAX = 20_000

/** What a page belongs to: a table, an index of it, or the schema. */
export interface PageOwner {
  readonly table: string
  /** Null: the table's own rows. */
  readonly index: string | null
}

interface Tree {
  readonly owner: PageOwner
  readonly root: number
}

const INTERIOR_INDEX = 2
const INTERIOR_TABLE = 5
const LEAF_INDEX = 10
const LEAF_TABLE = 13
/** Page 1 begins with the file's header. */
const FILE_HEADER_BYTES = 100
/** SQLite's format of a file: how much of a row is kept on a page of a tree before the rest goes to overflow pages. */
const TABLE_LOCAL_MAX = PAGE_BYTES - 35
const INDEX_LOCAL_MAX = Math.floor(((PAGE_BYTES - 12) * 64) / 255) - 23
const LOCAL_MIN = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23
/** Of an overflow page, besides the number of the next one. */
const OVERFLOW_BYTES = PAGE_BYTES - 4

/**
 * The owners of `wanted` pages, for people: this build of SQLite has no dbstat, so the trees are walked from their roots
 * until all are found. Pages of the freelist, and those past the limit, are left out.
 */
export function pageOwners(
  { db, pages }: { readonly db: Database; readonly pages: PageStore },
  wanted: ReadonlySet<number>,
  pagesMax = OWNER_PAGES_MAX,
): ReadonlyMap<number, PageOwner> {
  const found = new Map<number, PageOwner>()
  const seen: { readonly pageNo: number; readonly page: Page; readonly owner: PageOwner }[] = []
  let left = pagesMax
  for (const { owner, root } of treesOf(db)) {
    const todo = [root]
    for (let pageNo = todo.pop(); pageNo !== undefined; pageNo = todo.pop()) {
      if (found.size === wanted.size || left-- <= 0) return found
      if (wanted.has(pageNo)) found.set(pageNo, owner)
      const page = pages.page(pageNo)
      if (page === undefined) continue
      seen.push({ pageNo, page, owner })
      for (const child of childrenOf(page, pageNo)) todo.push(child)
    }
  }
  // Only now: a look at every row costs ten times as much as one at every page.
  for (const { pageNo, page, owner } of seen) {
    if (found.size === wanted.size || left <= 0) return found
    for (const { first, count } of overflowsOf(page, pageNo)) {
      left -= followChain(pages, { first, count: Math.min(count, left) }, { wanted, found, owner })
    }
  }
  return found
}

/** Small trees first, as far as that is known: the schema, then in the order in which they were made. */
function treesOf(db: Database): Tree[] {
  const rows = db.exec("select type, name, tbl_name, rootpage from sqlite_schema where rootpage > 0")
  const trees = rows.map((row): Tree => {
    const table = String(row.tbl_name)
    return { owner: { table, index: row.type === "index" ? String(row.name) : null }, root: Number(row.rootpage) }
  })
  return [{ owner: { table: "sqlite_schema", index: null }, root: 1 }, ...trees]
}

interface Chain {
  readonly first: number
  readonly count: number
}

/** How many pages were looked at. */
function followChain(
  pages: PageStore,
  { first, count }: Chain,
  { wanted, found, owner }: { wanted: ReadonlySet<number>; found: Map<number, PageOwner>; owner: PageOwner },
): number {
  let pageNo = first
  let seen = 0
  while (seen < count && pageNo !== 0) {
    seen++
    if (wanted.has(pageNo)) found.set(pageNo, owner)
    const page = pages.page(pageNo)
    if (page === undefined) break
    pageNo = new DataView(page.buffer, page.byteOffset).getUint32(0)
  }
  return seen
}

/** The pages below a page of a tree. */
function childrenOf(page: Page, pageNo: number): number[] {
  const header = pageNo === 1 ? FILE_HEADER_BYTES : 0
  const type = page[header]
  if (type !== INTERIOR_INDEX && type !== INTERIOR_TABLE) return []
  const view = new DataView(page.buffer, page.byteOffset, PAGE_BYTES)
  return [...cellsOf(view, header, 12).map((at) => view.getUint32(at)), view.getUint32(header + 8)]
}

/** Where the rest of long rows on a page of a tree begins. */
function overflowsOf(page: Page, pageNo: number): Chain[] {
  const header = pageNo === 1 ? FILE_HEADER_BYTES : 0
  const type = page[header]
  if (type !== INTERIOR_INDEX && type !== LEAF_INDEX && type !== LEAF_TABLE) return []
  const view = new DataView(page.buffer, page.byteOffset, PAGE_BYTES)
  const isInterior = type === INTERIOR_INDEX
  const chains: Chain[] = []
  for (const at of cellsOf(view, header, isInterior ? 12 : 8)) {
    const chain = overflowOf(view, isInterior ? at + 4 : at, type === LEAF_TABLE)
    if (chain !== null) chains.push(chain)
  }
  return chains
}

/** Where a page's cells begin. */
function cellsOf(view: DataView, header: number, headerBytes: number): number[] {
  const cells: number[] = []
  const count = view.getUint16(header + 3)
  for (let i = 0, at = header + headerBytes; i < count && at + 2 <= PAGE_BYTES; i++, at += 2) {
    const cell = view.getUint16(at)
    if (cell + 4 <= PAGE_BYTES) cells.push(cell)
  }
  return cells
}

/** Null: the whole row is on the page. */
function overflowOf(view: DataView, at: number, isTable: boolean): Chain | null {
  const size = readVarint(view, at)
  const start = isTable ? readVarint(view, size.end).end : size.end
  const localMax = isTable ? TABLE_LOCAL_MAX : INDEX_LOCAL_MAX
  if (size.value <= localMax) return null
  const most = LOCAL_MIN + ((size.value - LOCAL_MIN) % OVERFLOW_BYTES)
  const local = most <= localMax ? most : LOCAL_MIN
  if (start + local + 4 > PAGE_BYTES) return null
  return { first: view.getUint32(start + local), count: Math.ceil((size.value - local) / OVERFLOW_BYTES) }
}

/** Up to nine bytes, seven bits in each but the ninth. */
function readVarint(view: DataView, from: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let i = 0; i < 9 && from + i < PAGE_BYTES; i++) {
    const byte = view.getUint8(from + i)
    if (i === 8) return { value: value * 256 + byte, end: from + 9 }
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, end: from + i + 1 }
  }
  return { value, end: PAGE_BYTES }
}
