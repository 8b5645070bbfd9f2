import { dirname, join } from "node:path"
import { LfError } from "@lf/core"
import {
  type Checkpoint,
  decodeLogHeader,
  decodeRecords,
  encodeLogHeader,
  type LogHeader,
  type OpenedLog,
  pagesChecksum,
} from "@lf/core/internal"
import type { Fence } from "./fence.ts"
import { errnoOf, type FsCalls, type FsFile } from "./fs-calls.ts"

// The files of one generation of a document's log. Each is written under a temporary name of its owner's and then named,
// and a name is never reused: when an owner's rollup and another owner's takeover both make the successor of
// generation 7, exactly one becomes generation 8, and the other gets EEXIST.

const PAGE_BYTES = 4096
const WRITE_BYTES = 256 * PAGE_BYTES
const FILE = /^(?:log-(\d{16})|main-(\d{16})\.db)((?:\.[0-9a-f]{32})?\.tmp)?$/

/** Attempts to read a directory that changes while it is read. */
const READS_MAX = 100

/** Error codes of file systems without hard links: FAT, some of SMB and FUSE. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"])

/** A document's directory and who owns it. */
export interface Place {
  readonly directory: string
  readonly calls: FsCalls
  readonly fence: Fence
}

/** A log's bytes and their decoded form. */
export interface Generation {
  readonly generation: number
  readonly bytes: Uint8Array
  readonly header: LogHeader
  /** Where the header ends. */
  readonly endAt: number
  readonly decoded: ReturnType<typeof decodeRecords>
  readonly checkpoint: Checkpoint | null
}

export interface Newest {
  /** The directory's entries before it was read. */
  readonly names: readonly string[]
  /** Null: there is no log. */
  readonly found: Generation | null
}

export type StoredLog = Omit<OpenedLog, "log">

/** The newest generation, also while others write. @throws LOG_CORRUPT, LOG_FORMAT_NEWER */
export async function readNewest(directory: string, calls: FsCalls): Promise<Newest> {
  for (let reads = 1; ; reads++) {
    const names = await listOrNone(directory, calls)
    const generation = newestGeneration(names)
    if (generation === 0) return { names, found: null }
    const path = join(directory, logName(generation))
    const before = await calls.identity(path)
    try {
      return { names, found: await readGeneration(directory, calls, generation) }
    } catch (error) {
      // A rollup removed the file, or it was being written: what was read proves nothing about the disk.
      const now = newestGeneration(await listOrNone(directory, calls))
      const isStill = now === generation && (await calls.identity(path)) === before
      if (isStill || reads >= READS_MAX) throw error
    }
  }
}

async function listOrNone(directory: string, calls: FsCalls): Promise<string[]> {
  try {
    return await calls.list(directory)
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return []
    throw error
  }
}

export async function readGeneration(directory: string, calls: FsCalls, generation: number): Promise<Generation> {
  const path = join(directory, logName(generation))
  const bytes = await calls.read(path)
  const { header, endAt } = decodeLogHeader(bytes)
  if (header.generation !== generation)
    throw new LfError("LOG_CORRUPT", `expected generation ${generation} in ${path}, got ${header.generation}`)
  const decoded = decodeRecords(bytes.subarray(endAt), generation)
  if (decoded.goodBytes < header.liveBytes) throw new LfError("LOG_CORRUPT", `${path}: live records are damaged`)
  const checkpoint = await readCheckpoint(directory, calls, header)
  return { generation, bytes, header, endAt, decoded, checkpoint }
}

/** 0 for a new directory. @throws LOG_CORRUPT when there is a main without any log */
export function newestGeneration(names: readonly string[]): number {
  let newest = 0
  let hasMain = false
  for (const name of names) {
    const match = FILE.exec(name)
    if (match === null || match[3] !== undefined) continue
    if (match[1] !== undefined) newest = Math.max(newest, Number(match[1]))
    else hasMain = true
  }
  // The first main is made after the first log, so that log was removed.
  if (newest === 0 && hasMain) throw new LfError("LOG_CORRUPT", "there is a main-*.db but no log-*")
  return newest
}

/** The generation that wrote the pages of a log's checkpoint; null: no checkpoint. */
function mainGenerationOf({ generation, checkpoint }: LogHeader): number | null {
  return checkpoint === null ? null : (checkpoint.mainGeneration ?? generation)
}

async function readCheckpoint(directory: string, calls: FsCalls, header: LogHeader): Promise<Checkpoint | null> {
  const mainGeneration = mainGenerationOf(header)
  if (header.checkpoint === null || mainGeneration === null) return null
  const { meta, pageCount } = header.checkpoint
  const path = join(directory, mainName(mainGeneration))
  const bytes = await calls.read(path).catch((cause) => {
    if (errnoOf(cause) !== "ENOENT") throw cause
    throw new LfError("LOG_CORRUPT", `${path} is missing`, { cause })
  })
  if (bytes.length !== pageCount * PAGE_BYTES)
    throw new LfError(
      "LOG_CORRUPT",
      `expected ${pageCount * PAGE_BYTES} bytes (${pageCount} pages) in ${path}, got ${bytes.length}`,
    )
  const pages: Uint8Array[] = []
  // Copies, so that one retained page does not hold the whole file in memory.
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) pages.push(new Uint8Array(bytes.subarray(at, at + PAGE_BYTES)))
  if (pagesChecksum(pages) !== header.checkpoint.pagesChecksum)
    throw new LfError("LOG_CORRUPT", `${path} fails its checksum; it must not be changed by other programs`)
  return { meta, pages }
}

/** A SQLite file of `pages`, durable except for its name. Returns their checksum, which is made a slice at a time as well. */
export async function writePages(path: string, pages: readonly Uint8Array[], calls: FsCalls): Promise<bigint> {
  let checksum = 0n
  await writeFile(path, calls, async (file) => {
    for (let first = 0; first < pages.length; first += WRITE_BYTES / PAGE_BYTES) {
      const slice = pages.slice(first, first + WRITE_BYTES / PAGE_BYTES)
      checksum ^= pagesChecksum(slice, first + 1)
      await file.write(Buffer.concat(slice), first * PAGE_BYTES)
    }
  })
  return checksum
}

/** Writes the pages of a generation under a name that only `makeGeneration` of the same owner knows. Returns their checksum. */
export async function preparePages(place: Place, generation: number, pages: readonly Uint8Array[]): Promise<bigint> {
  const { temporary } = temporaryOf(place, mainName(generation))
  try {
    return await writePages(temporary, pages, place.calls)
  } catch (error) {
    await place.calls.remove(temporary).catch(() => {})
    throw error
  }
}

export interface NewGeneration {
  readonly header: Omit<LogHeader, "liveBytes">
  /** The log's first group; may be empty. */
  readonly live: Uint8Array
  /** The checkpoint's pages; null: there are none, or an earlier generation has them; or `preparePages` has written them. */
  readonly pages: readonly Uint8Array[] | "prepared" | null
}

/** The log that is written to. */
export interface Segment {
  readonly file: FsFile
  readonly header: LogHeader
  /** Position of the next group. */
  endAt: number
}

/**
 * Makes the generation that follows, durable, and opens its log. All of it is written before the owner looks whether its
 * fence still stands, and named after: were the directory put aside in between and another in its place (a restore), the
 * temporary names are not in that one, and naming fails.
 * @throws LOG_DEPOSED; EEXIST when another owner has made this generation
 */
export async function makeGeneration(place: Place, { live, pages, ...made }: NewGeneration): Promise<Segment> {
  const { directory, calls, fence } = place
  const header = { ...made.header, liveBytes: live.length }
  const bytes = Buffer.concat([encodeLogHeader(header), live])
  const log = temporaryOf(place, logName(header.generation))
  const main = temporaryOf(place, mainName(header.generation))
  try {
    if (pages !== null && pages !== "prepared") await writePages(main.temporary, pages, calls)
    await writeFile(log.temporary, calls, (file) => file.write(bytes, 0))
    await fence.check()
    if (pages !== null) {
      await nameFile(main, calls)
      // No disk may know the log's name and not the main's.
      await calls.syncDirectory(directory)
    }
    await nameFile(log, calls)
  } catch (error) {
    // On a full disk they would use what is freed for the next attempt.
    for (const { temporary } of [main, log]) await calls.remove(temporary).catch(() => {})
    throw error
  }
  const file = await calls.open(log.path, "r+")
  try {
    await calls.syncDirectory(directory)
    return { file, header, endAt: bytes.length }
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

interface Naming {
  readonly temporary: string
  readonly path: string
}

/** No other owner has the temporary name. */
function temporaryOf({ directory, fence }: Place, name: string): Naming {
  const path = join(directory, name)
  return { temporary: `${path}.${fence.token}.tmp`, path }
}

/**
 * Gives a file its name, which must be free. Without hard links two owners that do this at the same moment could
 * replace each other's: there the file system's lock alone keeps them apart.
 * @throws EEXIST when the name is taken
 */
async function nameFile({ temporary, path }: Naming, calls: FsCalls): Promise<void> {
  try {
    await calls.link(temporary, path)
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error))) throw error
    if (await calls.exists(path)) throw Object.assign(new Error(`${path} exists`), { code: "EEXIST" })
    await calls.rename(temporary, path)
    return
  }
  await calls.remove(temporary)
}

async function writeFile(path: string, calls: FsCalls, write: (file: FsFile) => Promise<void>): Promise<void> {
  const file = await calls.open(path, "w")
  try {
    await write(file)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Older generations and what unfinished ones left. `names` were listed before the current one was verified or made. */
export async function removeLeftovers(place: Place, names: readonly string[], header: LogHeader): Promise<void> {
  const mainGeneration = mainGenerationOf(header)
  const kept = [logName(header.generation), ...(mainGeneration === null ? [] : [mainName(mainGeneration)])]
  for (const name of names) {
    if (FILE.test(name) && !kept.includes(name)) await place.calls.remove(join(place.directory, name))
  }
}

/** What a rollup made obsolete. */
export async function removeGeneration({ directory, calls }: Place, header: LogHeader): Promise<void> {
  await calls.remove(join(directory, logName(header.generation)))
  const mainGeneration = mainGenerationOf(header)
  if (mainGeneration !== null) await calls.remove(join(directory, mainName(mainGeneration)))
}

export function logName(generation: number): string {
  return `log-${String(generation).padStart(16, "0")}`
}

function mainName(generation: number): string {
  return `main-${String(generation).padStart(16, "0")}.db`
}

/** A durable file that replaces what had its name: for names outside of a document's directory. */
export async function publish(temporary: string, path: string, calls: FsCalls): Promise<void> {
  await calls.rename(temporary, path)
  await calls.syncDirectory(dirname(path))
}
