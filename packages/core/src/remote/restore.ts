import { assert } from "../base/assert.ts"
import { LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import type { Lsn } from "../base/lsn.ts"
import { anchorRecord } from "../journal/chain.ts"
import type { OpenedLog, StoredLog } from "../journal/log.ts"
import { openMemoryLog } from "../journal/memory-log.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { DOCUMENT_PAGES_MAX } from "../storage/changeset.ts"
import { Storage } from "../storage/storage.ts"
import { readAllApplied } from "../timeline/internal-tables.ts"
import { clientStream } from "./client-list.ts"
import { RemoteStore } from "./remote-store.ts"

/** A document read from one SQLite file, verified. */
export interface DocumentCopy {
  readonly pages: readonly Page[]
  /** The applied cursor of each client that wrote. */
  readonly applied: readonly { readonly clientId: string; readonly lsn: Lsn; readonly hash: bigint }[]
}

const MAGIC = "SQLite format 3\0"
/** The client ids that a stream's name may contain. */
const CLIENT_ID = /^[a-z0-9]{1,64}$/

/** The bytes that SQLite's header must have, by offset: in a document they never change (I16). */
const HEADER: readonly { readonly at: number; readonly bytes: readonly number[]; readonly refusal: string }[] = [
  { at: 16, bytes: [PAGE_BYTES >> 8, PAGE_BYTES & 255], refusal: `expected pages of ${PAGE_BYTES} bytes, got others` },
  { at: 18, bytes: [1, 1], refusal: "it is in WAL mode; say `pragma journal_mode=delete` to it first" },
  { at: 52, bytes: [0, 0, 0, 0], refusal: "it has auto_vacuum on" },
  { at: 56, bytes: [0, 0, 0, 1], refusal: "its text is not UTF-8" },
]

/**
 * The pages of a document at rest, from checkpoint and storage journal, verified: in this order they are a SQLite file.
 * Writes nothing. Empty when nothing was committed yet.
 * @throws LOG_CORRUPT LOG_FORMAT_NEWER
 */
export function pagesAtRest(stored: StoredLog, host: Host): readonly Page[] {
  return [...new RemoteStore({ ...openMemoryLog(), ...stored }, host).storage.snapshot()]
}

/**
 * Reads a document from the bytes of a SQLite file: it must have our page size and our tables, and be undamaged.
 * `module` cannot be used again.
 * @throws BACKUP_INVALID
 */
export function readCopy(module: SqliteModule, bytes: Uint8Array): DocumentCopy {
  const pages = pagesFrom(bytes, invalid)
  try {
    const db = new Database(module, new Storage(pages))
    try {
      const [first] = db.exec("pragma integrity_check(1)")
      if (first?.integrity_check !== "ok") throw invalid(`it is damaged: ${first?.integrity_check}`)
      return { pages, applied: appliedIn(db) }
    } finally {
      db.close()
    }
  } catch (cause) {
    if (cause instanceof LfError && cause.code === "BACKUP_INVALID") throw cause
    throw invalid(toLfError(cause, "BACKUP_INVALID").message, cause)
  }
}

/**
 * Makes a copy the content of a new document, under a new epoch, and closes its log. Of each client only the applied cursor
 * is kept: there its journal continues, or forks. Without it the server's next mutations would count as applied
 * before, and never run (T2).
 * @throws LOG_FAILED LOG_FULL
 */
export async function restoreCopy(opened: OpenedLog, copy: DocumentCopy, host: Host): Promise<{ epoch: string }> {
  if (opened.checkpoint !== null || opened.records.length > 0) {
    await opened.log.close()
    throw new LfError("LOG_FAILED", "expected a new log to restore into, got one that holds a document already")
  }
  const records = copy.applied.map((at) => anchorRecord(clientStream(at.clientId), at.lsn, at.hash))
  const store = new RemoteStore({ ...opened, records }, host)
  copy.pages.forEach((page, i) => {
    store.storage.write(i + 1, page)
  })
  const changeset = store.storage.commit()
  assert(changeset !== null, "a copy has a page")
  try {
    store.append(changeset)
    await store.checkpoint()
  } finally {
    await store.streams.close()
  }
  return { epoch: store.epoch }
}

/** The pages of a SQLite file that a document can have. @throws what `invalid` makes */
export function pagesFrom(bytes: Uint8Array, invalid: (why: string) => LfError): Page[] {
  const isSqlite = bytes.length >= PAGE_BYTES && new TextDecoder("latin1").decode(bytes.subarray(0, 16)) === MAGIC
  if (!isSqlite) throw invalid("expected a SQLite database, got another file")
  for (const { at, bytes: wanted, refusal } of HEADER) {
    if (wanted.some((byte, i) => bytes[at + i] !== byte)) throw invalid(refusal)
  }
  const pageCount = new DataView(bytes.buffer, bytes.byteOffset).getUint32(28)
  if (pageCount > DOCUMENT_PAGES_MAX) throw invalid(`expected at most ${DOCUMENT_PAGES_MAX} pages, got ${pageCount}`)
  if (bytes.length !== pageCount * PAGE_BYTES)
    throw invalid(
      `expected ${pageCount * PAGE_BYTES} bytes for the ${pageCount} pages of its header, got ${bytes.length}`,
    )
  // Copies, so that one page that stays referenced does not keep the whole file in memory.
  return Array.from(
    { length: pageCount },
    (_, i) => new Uint8Array(bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES)),
  )
}

function appliedIn(db: Database): DocumentCopy["applied"] {
  const applied = readAllApplied(db)
  if (applied.every(({ clientId }) => CLIENT_ID.test(clientId))) return applied
  throw invalid("expected client ids in its table __lf_mutations, got something else")
}

function invalid(why: string, cause?: unknown): LfError {
  return new LfError("BACKUP_INVALID", `the file cannot be restored: ${why}`, { cause })
}
