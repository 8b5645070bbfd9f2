import type { SqliteModule, VfsDispatch } from "./module.ts"
import { PAGE_BYTES, type Page } from "./page.ts"
import { cText } from "./statement.ts"

/** Where the VFS finds and puts pages. `pageNo` from 1. */
export interface PageStore {
  /** The last page that SQLite may make: beyond it a write fails with DOC_TOO_LARGE. Absent: SQLite's own limit. */
  readonly pageCountMax?: number
  pageCount(): number
  page(pageNo: number): Page | undefined
  /** A page to fill for `write`; its content is undefined. */
  newPage(): Page
  /** Takes ownership of `page`: the caller must not write into it afterwards. */
  write(pageNo: number, page: Page): void
  truncate(pageCount: number): void
}

/** Another database, read in the same connection. */
export interface OtherDatabase {
  /** What `setUp` attaches, and the name that it attaches it as. */
  readonly file: string
  readonly name: string
  readonly pages: PageStore
}

const OK = 0
const IOERR_READ = 266
const IOERR_WRITE = 778
const IOERR_SHORT_READ = 522
const CANTOPEN = 14
const NOTFOUND = 12
const OPEN_MAIN_DB = 0x100
const IOCAP_POWERSAFE_OVERWRITE = 0x1000
/** Julian day of 1970-01-01T00:00Z, in milliseconds: SQLite's own unit of time. */
const UNIX_EPOCH_JULIAN_MS = 210_866_760_000_000n

/** A database file: its pages, and what is added to the number of each in `reads`. */
interface DatabaseFile {
  readonly pages: PageStore
  readonly offset: number
}

/** Numbers of pages of several files in one set: the n-th attached file's begin at n times this. */
export const FILE_PAGES_MAX = 2 ** 32

/**
 * SQLite's file system: database files, each served page by page from a `PageStore`, and a clock that we own. No other
 * file exists: journals and temporary tables are in memory, durability is the log's business.
 */
export class PageVfs {
  readonly name = "lf"
  readonly mxPathname = 64
  /** The time that SQLite gets, in milliseconds since 1970. */
  nowMs: () => number = () => 0
  /** While set, collects the number of every page that SQLite asks for, as `FILE_PAGES_MAX` says. */
  reads: Set<number> | null = null
  /** Whether SQLite asked for the time since this was last set to false. */
  clockAsked = false
  /** What the page store threw, kept until the caller of wasm can rethrow it: no exception may cross wasm. */
  failure: unknown = null

  readonly #module: SqliteModule
  readonly #main: DatabaseFile
  /** By name, to be attached. */
  readonly #others = new Map<string, DatabaseFile>()
  /** Attached files that are open, by SQLite's address of each. */
  readonly #open = new Map<number, DatabaseFile>()

  constructor(module: SqliteModule, pages: PageStore) {
    this.#module = module
    this.#main = { pages, offset: 0 }
  }

  /** Another file that `attach` finds under this name. */
  add(name: string, pages: PageStore): void {
    this.#others.set(name, { pages, offset: (this.#others.size + 1) * FILE_PAGES_MAX })
  }

  // Called by wa-sqlite's relay: every method of the file system is synchronous.
  hasAsyncMethod(): boolean {
    return false
  }

  xOpen(_vfs: number, name: number, file: number, flags: number, outFlags: number): number {
    if ((flags & OPEN_MAIN_DB) === 0) return CANTOPEN
    const other = this.#others.size === 0 ? undefined : this.#others.get(cText(this.#module, name))
    if (other !== undefined) this.#open.set(file, other)
    if (outFlags !== 0) this.#view().setInt32(outFlags, flags, true)
    return OK
  }

  xClose(file: number): number {
    this.#open.delete(file)
    return OK
  }

  xRead(file: number, into: number, count: number, offsetLow: number, offsetHigh: number): number {
    try {
      const offset = joinInt64(offsetLow, offsetHigh)
      const pageNo = Math.floor(offset / PAGE_BYTES) + 1
      const within = offset % PAGE_BYTES
      const heap = this.#module.HEAPU8
      const { pages, offset: base } = this.#file(file)
      this.reads?.add(base + pageNo)
      const page = pageNo <= pages.pageCount() ? pages.page(pageNo) : undefined
      if (page === undefined || within + count > PAGE_BYTES) {
        heap.fill(0, into, into + count)
        return IOERR_SHORT_READ
      }
      heap.set(within === 0 && count === PAGE_BYTES ? page : page.subarray(within, within + count), into)
      return OK
    } catch (error) {
      this.failure ??= error
      return IOERR_READ
    }
  }

  xWrite(file: number, from: number, count: number, offsetLow: number, offsetHigh: number): number {
    try {
      const offset = joinInt64(offsetLow, offsetHigh)
      if (count !== PAGE_BYTES || offset % PAGE_BYTES !== 0) return IOERR_WRITE
      const { pages } = this.#file(file)
      const page = pages.newPage()
      page.set(this.#module.HEAPU8.subarray(from, from + count))
      pages.write(offset / PAGE_BYTES + 1, page)
      return OK
    } catch (error) {
      this.failure ??= error
      return IOERR_WRITE
    }
  }

  xTruncate(file: number, sizeLow: number, sizeHigh: number): number {
    try {
      this.#file(file).pages.truncate(Math.ceil(joinInt64(sizeLow, sizeHigh) / PAGE_BYTES))
      return OK
    } catch (error) {
      this.failure ??= error
      return IOERR_WRITE
    }
  }

  xSync(): number {
    return OK
  }

  xFileSize(file: number, out: number): number {
    this.#view().setBigInt64(out, BigInt(this.#file(file).pages.pageCount()) * BigInt(PAGE_BYTES), true)
    return OK
  }

  xLock(): number {
    return OK
  }

  xUnlock(): number {
    return OK
  }

  xCheckReservedLock(_file: number, out: number): number {
    this.#view().setInt32(out, 0, true)
    return OK
  }

  xFileControl(): number {
    return NOTFOUND
  }

  xSectorSize(): number {
    return PAGE_BYTES
  }

  xDeviceCharacteristics(): number {
    return IOCAP_POWERSAFE_OVERWRITE
  }

  xDelete(): number {
    return OK
  }

  xAccess(_vfs: number, _name: number, _flags: number, out: number): number {
    this.#view().setInt32(out, 0, true)
    return OK
  }

  xFullPathname(_vfs: number, name: number, outBytes: number, out: number): number {
    const heap = this.#module.HEAPU8
    const end = heap.indexOf(0, name)
    if (end < 0 || end - name + 1 > outBytes) return CANTOPEN
    heap.copyWithin(out, name, end + 1)
    return OK
  }

  xCurrentTime(_vfs: number, out: number): number {
    this.clockAsked = true
    this.#view().setFloat64(out, Number(this.#julianMs()) / 86_400_000, true)
    return OK
  }

  xCurrentTimeInt64(_vfs: number, out: number): number {
    this.clockAsked = true
    this.#view().setBigInt64(out, this.#julianMs(), true)
    return OK
  }

  #file(file: number): DatabaseFile {
    return this.#open.size === 0 ? this.#main : (this.#open.get(file) ?? this.#main)
  }

  #julianMs(): bigint {
    return BigInt(Math.floor(this.nowMs())) + UNIX_EPOCH_JULIAN_MS
  }

  #view(): DataView {
    return new DataView(this.#module.HEAPU8.buffer)
  }
}

function joinInt64(low: number, high: number): number {
  return high * 0x1_0000_0000 + (low >>> 0)
}

type Method = (a: number, b: number, c: number, d: number, e: number) => number

/**
 * Registers `vfs` as the default. The stock relay decodes a method's name at every call; given one function instead of
 * an object it hands over the name's address, which is the same at every call.
 */
export function registerVfs(module: SqliteModule, vfs: PageVfs): number {
  const setCallback = module.setCallback
  let key = 0
  module.setCallback = (given, target) => {
    key = given
    setCallback(given, target)
  }
  const code = module.vfs_register(vfs, true)
  module.setCallback = setCallback
  const methods = new Map<number, Method>()
  const dispatch: VfsDispatch = (name, a, b, c, d, e) => {
    let method = methods.get(name)
    if (method === undefined) {
      const found = vfs[cText(module, name) as "xRead"] as Method // every name that SQLite asks for is a method of PageVfs
      method = found.bind(vfs)
      methods.set(name, method)
    }
    return method(a, b, c, d, e)
  }
  if (code === 0) {
    setCallback(key, dispatch)
    module.dispatchVfs?.(key, dispatch)
  }
  return code
}
