import { join } from "node:path"
import { isLfError, LfError } from "@lf/core"
import {
  type Checkpoint,
  type DocumentLog,
  encodeGroup,
  LogGuard,
  type LogHeader,
  type LogRecord,
  loadChecksum,
  type OpenedLog,
  pagesChecksum,
  toLfError,
} from "@lf/core/internal"
import { type Raised, raiseFence } from "./fence.ts"
import { errnoOf, type FsCalls, nodeFsCalls } from "./fs-calls.ts"
import {
  type Generation,
  logName,
  makeGeneration,
  type NewGeneration,
  newestGeneration,
  type Place,
  preparePages,
  readGeneration,
  readNewest,
  removeGeneration,
  removeLeftovers,
  type Segment,
  type StoredLog,
} from "./generation.ts"
import { whileFlushing } from "./node-host.ts"
import { acquireLock, type OwnerLock } from "./owner-lock.ts"

export { acquireDirectory } from "./owner-lock.ts"

// A document's directory:
//   log-<generation>       header, the live records of the rollup as first group, then one group per append
//   main-<generation>.db   the checkpoint's pages and nothing else: a SQLite file
//   owner.lock             locked by its owner while the document is open; never removed
//   fence-<token>          exists as long as its owner may acknowledge
// A log gets its name only when it and its main are durable, so the highest generation is always whole. A damaged log
// is therefore never the residue of a crash, and an older one beside it is never read in its place.
// An owner appends only to a file that no other owner can still have open: where the last one did not close, it copies
// the records into a generation of its own, over the same main.

/** Attempts to make a generation that another owner's rollup made first. That happens at most once. */
const TAKEOVERS_MAX = 20

type Recovered = { readonly segment: Segment } & StoredLog

/**
 * Opens a document's own directory, created if missing. `nowMs` is a monotonic clock.
 * @throws LOG_OWNED, LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_FULL, LOG_FAILED, LOG_DEPOSED
 */
export async function openFsLog(
  directory: string,
  calls: FsCalls = nodeFsCalls,
  nowMs: () => number = () => performance.now(),
): Promise<OpenedLog> {
  await loadChecksum()
  let lock: OwnerLock | undefined
  try {
    await calls.makeDirectory(directory)
    lock = await acquireLock(directory, "LOG_OWNED", calls)
    const raised = await raiseFence(directory, calls, nowMs)
    const place = { directory, calls, fence: raised.fence }
    if (lock.wasMarked) await lock.clearMark()
    const isTakeover = raised.isTakeover || lock.wasMarked
    try {
      const { segment, checkpoint, records } = await (isTakeover ? takeOver(place) : goOn(place, raised))
      return { log: new FsLog(place, lock, segment), checkpoint, records }
    } catch (error) {
      const reason = await reasonOf(place, error)
      // The next opener must see that the owner before did not close.
      if (!isTakeover) await raised.fence.lower().catch(() => {})
      throw reason
    }
  } catch (error) {
    await lock?.release().catch(() => {})
    throw toLogError(error)
  }
}

/**
 * What a document's directory holds, for a process that does not own it: takes no lock and changes nothing; the owner
 * may go on writing. An unfinished group is ignored. Null: there is no document.
 * @throws LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_FAILED
 */
export async function readFsLog(directory: string, calls: FsCalls = nodeFsCalls): Promise<StoredLog | null> {
  await loadChecksum()
  try {
    const { found } = await readNewest(directory, calls)
    return found === null ? null : { checkpoint: found.checkpoint, records: found.decoded.records }
  } catch (error) {
    throw toLogError(error)
  }
}

class FsLog implements DocumentLog {
  readonly isDurable = true
  readonly #place: Place
  readonly #lock: OwnerLock
  #segment: Segment
  readonly #operations = new LogGuard()
  #isClosed = false
  /** Pages that are written already, for the rollup that comes. */
  #prepared: { readonly pages: readonly Uint8Array[]; readonly checksum: bigint } | null = null

  constructor(place: Place, lock: OwnerLock, segment: Segment) {
    this.#place = place
    this.#lock = lock
    this.#segment = segment
  }

  append(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return this.#guard(async () => {})
    return whileFlushing(() => this.#append(records))
  }

  #append(records: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      const { fence } = this.#place
      const segment = this.#segment
      const group = encodeGroup(segment.header.generation, records)
      await fence.check()
      await segment.file.write(group, segment.endAt)
      await segment.file.datasync()
      // The fence stood until the sync had ended, so an owner that takes over now reads what is acknowledged here (I14).
      await fence.check()
      segment.endAt += group.length
    })
  }

  prepare(pages: readonly Uint8Array[]): Promise<void> {
    return this.#guard(async () => {
      await this.#place.fence.check()
      const checksum = await preparePages(this.#place, this.#segment.header.generation + 1, pages)
      this.#prepared = { pages, checksum }
    })
  }

  rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      const { fence } = this.#place
      const old = this.#segment
      const generation = old.header.generation + 1
      const { meta, pages } = checkpoint
      const prepared = this.#prepared?.pages === pages ? this.#prepared : null
      this.#prepared = null
      const stamp = { meta, pageCount: pages.length, pagesChecksum: prepared?.checksum ?? pagesChecksum(pages) }
      await fence.check()
      const made = { live, pages: prepared === null ? pages : ("prepared" as const) }
      this.#segment = await begin(this.#place, { generation, checkpoint: stamp }, made)
      await old.file.close()
      await fence.check()
      await removeGeneration(this.#place, old.header)
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    // A write under way would continue while the next owner reads.
    await this.#operations.close()
    try {
      await this.#giveBack()
    } catch (error) {
      throw toLogError(error)
    }
  }

  async #giveBack(): Promise<void> {
    try {
      await this.#segment.file.close()
      await this.#place.fence.lower()
    } finally {
      await this.#lock.release()
    }
  }

  #guard(run: () => Promise<void>): Promise<void> {
    return this.#operations.run(run, (error) => reasonOf(this.#place, error))
  }
}

/** The owner before closed, or there was none: no other process writes its file, and appends continue there. */
async function goOn(place: Place, { names }: Raised): Promise<Recovered> {
  const { directory, calls, fence } = place
  // From the listing that showed no other fence: a file that another owner makes later must not be written here.
  const generation = newestGeneration(names)
  if (generation === 0) {
    const segment = await begin(place, { generation: 1, checkpoint: null }, { live: [], pages: null })
    await removeLeftovers(place, names, segment.header)
    return { segment, checkpoint: null, records: [] }
  }
  const { bytes, header, endAt, decoded, checkpoint } = await readGeneration(directory, calls, generation)
  const goodEndAt = endAt + decoded.goodBytes
  const file = await calls.open(join(directory, logName(generation)), "r+")
  try {
    await fence.check()
    if (goodEndAt < bytes.length) await file.truncate(goodEndAt)
    // The last group may be in the system's cache only: its writer was killed before the sync, or the sync failed, and
    // then the cache is clean and a sync alone would do nothing. Written again and synced it is as durable as it looks.
    await file.write(bytes.subarray(endAt + decoded.lastGroupAt, goodEndAt), endAt + decoded.lastGroupAt)
    await file.datasync()
    await calls.syncDirectory(directory)
    await removeLeftovers(place, names, header)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  return { segment: { file, header, endAt: goodEndAt }, checkpoint, records: decoded.records }
}

/** The owner before did not close. Dead or not, it never learns of the file that begins here. */
async function takeOver(place: Place): Promise<Recovered> {
  for (let takeovers = 1; ; takeovers++) {
    const { names, found } = await readNewest(place.directory, place.calls)
    try {
      const segment = await begin(place, successorOf(found), { live: found?.decoded.records ?? [], pages: null })
      await removeLeftovers(place, names, segment.header)
      return { segment, checkpoint: found?.checkpoint ?? null, records: found?.decoded.records ?? [] }
    } catch (error) {
      // The owner before was in a rollup, and its generation has the name: what it holds is the newest now.
      if (errnoOf(error) !== "EEXIST" || takeovers >= TAKEOVERS_MAX) throw error
    }
  }
}

function successorOf(found: Generation | null): Omit<LogHeader, "liveBytes"> {
  if (found === null) return { generation: 1, checkpoint: null }
  const { generation, checkpoint } = found.header
  if (checkpoint === null) return { generation: generation + 1, checkpoint }
  return { generation: generation + 1, checkpoint: { mainGeneration: generation, ...checkpoint } }
}

function begin(
  place: Place,
  header: Omit<LogHeader, "liveBytes">,
  { live, pages }: { readonly live: readonly LogRecord[]; readonly pages: NewGeneration["pages"] },
): Promise<Segment> {
  const group = live.length === 0 ? new Uint8Array(0) : encodeGroup(header.generation, live)
  return makeGeneration(place, { header, live: group, pages })
}

/** Why a step of an owner failed. What another owner removed under it looks like a broken disk, and is none. */
async function reasonOf({ fence }: Place, error: unknown): Promise<LfError> {
  const isSaid = isLfError(error) && error.code === "LOG_DEPOSED"
  const isDeposed = isSaid || errnoOf(error) === "EEXIST" || !(await fence.stands().catch(() => true))
  if (!isDeposed) return toLogError(error)
  fence.noteLoss()
  return isSaid ? error : new LfError("LOG_DEPOSED", "another owner took over meanwhile", { cause: error })
}

function toLogError(error: unknown): LfError {
  const errno = errnoOf(error)
  return toLfError(error, errno === "ENOSPC" || errno === "EDQUOT" ? "LOG_FULL" : "LOG_FAILED")
}
