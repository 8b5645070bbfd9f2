import { dirname, join } from "node:path"
import {
  type Checkpoint,
  type DocumentLog,
  decodeLogHeader,
  decodeRecords,
  encodeGroup,
  encodeLogHeader,
  LfError,
  type LogHeader,
  type LogRecord,
  loadChecksum,
  type OpenedLog,
  pagesChecksum,
  toLfError,
} from "@lf/core"
import { errnoOf, type FsCalls, type FsFile, nodeFsCalls } from "./fs-calls.ts"
import { acquireLock, type OwnerLock } from "./owner-lock.ts"

export { acquireDirectory } from "./owner-lock.ts"

// A document's directory:
//   log-<generation>       header, the live records of the rollup as first group, then one group per append
//   main-<generation>.db   the checkpoint's pages and nothing else: a SQLite file
//   owner.lock             who has it open
// A log takes its name only when it and its main are durable, so the highest generation is always a whole one. A log
// that is damaged is therefore never the residue of a crash, and an older one beside it is never read in its place.

const PAGE_BYTES = 4096
const WRITE_BYTES = 256 * PAGE_BYTES
const FILE = /^(?:log-(\d{16})|main-(\d{16})\.db)(\.tmp)?$/

/** How often a log is read that changes while it is read. */
const READS_MAX = 100

/** A log's bytes as they were read, and what they mean. */
interface Generation {
  readonly bytes: Uint8Array
  /** Where the header ends. */
  readonly endAt: number
  readonly decoded: ReturnType<typeof decodeRecords>
  readonly checkpoint: Checkpoint | null
}

interface Segment {
  readonly file: FsFile
  readonly generation: number
  /** Where the next group goes. */
  endAt: number
}

export type StoredLog = Omit<OpenedLog, "log">

/**
 * Opens a document's own directory, which is made if there is none.
 * @throws LOG_OWNED, LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_FULL, LOG_FAILED
 */
export async function openFsLog(directory: string, calls: FsCalls = nodeFsCalls): Promise<OpenedLog> {
  await loadChecksum()
  let lock: OwnerLock | undefined
  try {
    await calls.makeDirectory(directory)
    lock = await acquireLock(directory, "LOG_OWNED", calls)
    const { segment, checkpoint, records } = await recover(directory, calls)
    return { log: new FsLog(directory, calls, lock, segment), checkpoint, records }
  } catch (error) {
    await lock?.release().catch(() => {})
    throw toLogError(error)
  }
}

/**
 * What a document's directory holds, for whoever does not own it: nothing is locked or changed, and the owner may go on
 * writing. A group that is half there is not there yet. Null: there is no document.
 * @throws LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_FAILED
 */
export async function readFsLog(directory: string, calls: FsCalls = nodeFsCalls): Promise<StoredLog | null> {
  await loadChecksum()
  try {
    for (let reads = 1; ; reads++) {
      const before = await newestIdentity(directory, calls)
      if (before === null) return null
      try {
        const { checkpoint, decoded } = await readGeneration(directory, calls, before.generation)
        return { checkpoint, records: decoded.records }
      } catch (error) {
        // A rollup took the file from under us, or it was being written: what was read says nothing about the disk.
        const after = await newestIdentity(directory, calls)
        if (after?.identity === before.identity || reads >= READS_MAX) throw error
      }
    }
  } catch (error) {
    throw toLogError(error)
  }
}

class FsLog implements DocumentLog {
  readonly durable = true
  readonly #directory: string
  readonly #calls: FsCalls
  readonly #lock: OwnerLock
  #segment: Segment
  #ended: LfError | null = null
  #isClosed = false

  constructor(directory: string, calls: FsCalls, lock: OwnerLock, segment: Segment) {
    this.#directory = directory
    this.#calls = calls
    this.#lock = lock
    this.#segment = segment
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      if (records.length === 0) return
      const segment = this.#segment
      const group = encodeGroup(segment.generation, records)
      await this.#checkOwner()
      await segment.file.write(group, segment.endAt)
      await segment.file.datasync()
      segment.endAt += group.length
    })
  }

  rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      const old = this.#segment
      const generation = old.generation + 1
      const { meta, pages } = checkpoint
      const group = encodeGroup(generation, live)
      const stamp = { meta, pageCount: pages.length, pagesChecksum: pagesChecksum(pages) }
      await this.#checkOwner()
      const path = join(this.#directory, mainName(generation))
      // Durable under its name before the log is named: no disk may know that name and not this one.
      await writePages({ path, temporary: `${path}.tmp`, pages, calls: this.#calls })
      await this.#checkOwner()
      const header = { generation, checkpoint: stamp, liveBytes: group.length }
      this.#segment = await createSegment(this.#directory, this.#calls, header, group)
      await old.file.close()
      await this.#calls.remove(join(this.#directory, logName(old.generation)))
      await this.#calls.remove(join(this.#directory, mainName(old.generation)))
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#ended ??= new LfError("LOG_CLOSED", "the log was closed")
    try {
      await this.#segment.file.close()
      await this.#lock.release()
    } catch (error) {
      throw toLogError(error)
    }
  }

  /** After an error nothing is tried again: what reached the disk is known only after reopening (T19). */
  async #guard(run: () => Promise<void>): Promise<void> {
    if (this.#ended !== null) throw this.#ended
    try {
      await run()
    } catch (error) {
      this.#ended ??= toLogError(error)
      throw this.#ended
    }
  }

  // Fencing as good as files have it: whoever took over between this look and the write is not seen.
  async #checkOwner(): Promise<void> {
    if (!(await this.#lock.isHeld())) throw new LfError("LOG_DEPOSED", `${this.#directory} has another owner`)
  }
}

async function recover(directory: string, calls: FsCalls): Promise<{ segment: Segment } & StoredLog> {
  const names = await calls.list(directory)
  const generation = newestGeneration(names)
  if (generation === 0) {
    const segment = await createSegment(directory, calls, { generation: 1, checkpoint: null, liveBytes: 0 })
    await removeLeftovers(directory, calls, names, 1)
    return { segment, checkpoint: null, records: [] }
  }
  const path = join(directory, logName(generation))
  const { bytes, endAt, decoded, checkpoint } = await readGeneration(directory, calls, generation)
  const goodEndAt = endAt + decoded.goodBytes
  const file = await calls.open(path, "r+")
  try {
    if (goodEndAt < bytes.length) await file.truncate(goodEndAt)
    // The last group may be in the system's cache only: its writer was killed before the sync, or the sync failed, and
    // then the cache is clean and a sync alone would do nothing. Written again and synced it is as durable as it looks.
    await file.write(bytes.subarray(endAt + decoded.lastGroupAt, goodEndAt), endAt + decoded.lastGroupAt)
    await file.datasync()
    await calls.syncDirectory(directory)
    await removeLeftovers(directory, calls, names, generation)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  return { segment: { file, generation, endAt: goodEndAt }, checkpoint, records: decoded.records }
}

async function readGeneration(directory: string, calls: FsCalls, generation: number): Promise<Generation> {
  const path = join(directory, logName(generation))
  const bytes = await calls.read(path)
  const { header, endAt } = decodeLogHeader(bytes)
  if (header.generation !== generation) throw new LfError("LOG_CORRUPT", `${path} is of another generation`)
  const decoded = decodeRecords(bytes.subarray(endAt), generation)
  if (decoded.goodBytes < header.liveBytes) throw new LfError("LOG_CORRUPT", `${path}: live records are damaged`)
  return { bytes, endAt, decoded, checkpoint: await readCheckpoint(directory, calls, header) }
}

/** The newest log, and its file as it is now; null when there is none. */
async function newestIdentity(
  directory: string,
  calls: FsCalls,
): Promise<{ readonly generation: number; readonly identity: string } | null> {
  const names = await calls.list(directory).catch((error) => {
    if (errnoOf(error) === "ENOENT") return []
    throw error
  })
  const generation = newestGeneration(names)
  if (generation === 0) return null
  const name = logName(generation)
  return { generation, identity: `${name} ${await calls.identity(join(directory, name))}` }
}

/** 0 for a new directory. @throws LOG_CORRUPT when there is a main without any log */
function newestGeneration(names: readonly string[]): number {
  let newest = 0
  let hasMain = false
  for (const name of names) {
    const match = FILE.exec(name)
    if (match === null || match[3] !== undefined) continue
    if (match[1] !== undefined) newest = Math.max(newest, Number(match[1]))
    else hasMain = true
  }
  // The first main comes when there is a log already: somebody removed it.
  if (newest === 0 && hasMain) throw new LfError("LOG_CORRUPT", "there is a main-*.db but no log-*")
  return newest
}

async function readCheckpoint(directory: string, calls: FsCalls, header: LogHeader): Promise<Checkpoint | null> {
  if (header.checkpoint === null) return null
  const { meta, pageCount } = header.checkpoint
  const path = join(directory, mainName(header.generation))
  const bytes = await calls.read(path).catch((cause) => {
    if (errnoOf(cause) !== "ENOENT") throw cause
    throw new LfError("LOG_CORRUPT", `${path} is missing`, { cause })
  })
  if (bytes.length !== pageCount * PAGE_BYTES) throw new LfError("LOG_CORRUPT", `${path} has not ${pageCount} pages`)
  const pages: Uint8Array[] = []
  // Copies, so that one page that lives long does not hold the whole file in memory.
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) pages.push(new Uint8Array(bytes.subarray(at, at + PAGE_BYTES)))
  if (pagesChecksum(pages) !== header.checkpoint.pagesChecksum)
    throw new LfError("LOG_CORRUPT", `${path} fails its checksum; it must not be changed by other programs`)
  return { meta, pages }
}

/** A SQLite file of `pages` under its name, durable. It is written as `temporary` first. */
export async function writePages(options: {
  readonly path: string
  readonly temporary: string
  readonly pages: readonly Uint8Array[]
  readonly calls: FsCalls
}): Promise<void> {
  const { path, temporary, pages, calls } = options
  const file = await calls.open(temporary, "w")
  try {
    for (let first = 0; first < pages.length; first += WRITE_BYTES / PAGE_BYTES) {
      await file.write(Buffer.concat(pages.slice(first, first + WRITE_BYTES / PAGE_BYTES)), first * PAGE_BYTES)
    }
    await file.datasync()
  } finally {
    await file.close()
  }
  await calls.rename(temporary, path)
  await calls.syncDirectory(dirname(path))
}

/** A new log under its name, durable: the commit point of a rollup. */
async function createSegment(
  directory: string,
  calls: FsCalls,
  header: LogHeader,
  live: Uint8Array = new Uint8Array(0),
): Promise<Segment> {
  const path = join(directory, logName(header.generation))
  const bytes = Buffer.concat([encodeLogHeader(header), live])
  const file = await calls.open(`${path}.tmp`, "w")
  try {
    await file.write(bytes, 0)
    await file.datasync()
    await calls.rename(`${path}.tmp`, path)
    await calls.syncDirectory(directory)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  return { file, generation: header.generation, endAt: bytes.length }
}

/** Older generations and what an unfinished rollup left. `names` were listed before the current one was verified. */
async function removeLeftovers(
  directory: string,
  calls: FsCalls,
  names: readonly string[],
  generation: number,
): Promise<void> {
  for (const name of names) {
    const isCurrent = name === logName(generation) || name === mainName(generation)
    if (FILE.test(name) && !isCurrent) await calls.remove(join(directory, name))
  }
}

function logName(generation: number): string {
  return `log-${String(generation).padStart(16, "0")}`
}

function mainName(generation: number): string {
  return `main-${String(generation).padStart(16, "0")}.db`
}

function toLogError(error: unknown): LfError {
  const errno = errnoOf(error)
  return toLfError(error, errno === "ENOSPC" || errno === "EDQUOT" ? "LOG_FULL" : "LOG_FAILED")
}
