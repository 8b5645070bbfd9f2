import { LfError } from "@lf/core"
import { BUG_PAGES_MAX, type BugCopy, PAGE_BYTES } from "@lf/core/internal"

/** The version of the file that is written here, and the newest that is read. */
export const BUG_FILE_VERSION = 1

/** What people read in a bug file, besides the document. */
export interface BugNotes {
  readonly madeAt: string
  readonly doc: string
  readonly user: string | null
  /** The client's clock, in milliseconds since 1970. */
  readonly clockMs: number
  readonly code: {
    /** The app's own, if it gave one to its devtools. */
    readonly version: string | null
    readonly protocol: number
    readonly mutations: readonly string[]
    readonly userAgent: string
  }
  readonly status: string
  readonly errors: readonly { readonly code: string; readonly message: string; readonly at: number }[]
  /** The newest mutations as the panel saw them, for reading. */
  readonly timeline: readonly {
    readonly name: string
    readonly at: number
    readonly outcome: string
    readonly args: string
  }[]
}

/** A document and its notes, as one file. */
export interface Bug {
  readonly notes: BugNotes
  readonly copy: BugCopy
}

interface BugJson {
  readonly format: "lf-bug"
  readonly version: number
  readonly notes: BugNotes
  readonly schema: readonly string[]
  readonly base: {
    readonly epoch: string
    readonly cursor: number
    readonly checksum: string
    readonly pageCount: number
    readonly encoding: "gzip"
    readonly pages: string
  }
  readonly pending: readonly string[]
  readonly rejections: readonly string[]
}

export async function writeBugFile({ notes, copy }: Bug): Promise<string> {
  const file: BugJson = {
    format: "lf-bug",
    version: BUG_FILE_VERSION,
    notes,
    schema: copy.schema,
    base: {
      epoch: copy.epoch,
      cursor: copy.cursor,
      checksum: copy.checksum.toString(16),
      pageCount: copy.pages.length / PAGE_BYTES,
      encoding: "gzip",
      pages: toBase64(await deflate(copy.pages)),
    },
    pending: copy.pending.map(toBase64),
    rejections: copy.rejections.map(toBase64),
  }
  return JSON.stringify(file, null, 1)
}

/** @throws BUG_FILE_INVALID */
export async function readBugFile(text: string): Promise<Bug> {
  try {
    const file: unknown = JSON.parse(text)
    if (!isBugJson(file))
      throw new LfError("BUG_FILE_INVALID", 'expected JSON with format "lf-bug", got something else')
    if (file.version > BUG_FILE_VERSION)
      throw new LfError(
        "BUG_FILE_INVALID",
        `expected version ${BUG_FILE_VERSION} at most, got ${file.version}: update lf`,
      )
    const { base, notes, schema } = file
    if (base.pageCount > BUG_PAGES_MAX)
      throw new LfError("BUG_FILE_INVALID", `expected at most ${BUG_PAGES_MAX} pages, got ${base.pageCount}`)
    const pages = await inflate(fromBase64(base.pages), base.pageCount * PAGE_BYTES)
    const { epoch, cursor } = base
    const checksum = BigInt(`0x${base.checksum}`)
    const pending = file.pending.map(fromBase64)
    return {
      notes,
      copy: { epoch, cursor, checksum, pages, schema, pending, rejections: file.rejections.map(fromBase64) },
    }
  } catch (cause) {
    if (cause instanceof LfError) throw cause
    throw new LfError("BUG_FILE_INVALID", `expected a bug file, got one that cannot be read: ${String(cause)}`, {
      cause,
    })
  }
}

function isBugJson(file: unknown): file is BugJson {
  if (!isObject(file) || file.format !== "lf-bug" || typeof file.version !== "number") return false
  const { notes, base, schema, pending, rejections } = file
  if (!isObject(notes) || !isObject(base)) return false
  const isUser = notes.user === null || typeof notes.user === "string"
  const isBase = typeof base.epoch === "string" && typeof base.checksum === "string" && typeof base.pages === "string"
  const areNumbers = [base.cursor, base.pageCount].every(Number.isSafeInteger) && Number.isFinite(notes.clockMs)
  return isUser && isBase && areNumbers && [schema, pending, rejections].every(isTexts)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string")
}

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new CompressionStream("gzip")
  const writer = stream.writable.getWriter()
  const written = writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => writer.close()) // none of ours is shared
  const [read] = await Promise.all([new Response(stream.readable).arrayBuffer(), written])
  return new Uint8Array(read)
}

/** Exactly `byteCount` bytes: a file that would become more is not inflated to its end. */
async function inflate(packed: Uint8Array, byteCount: number): Promise<Uint8Array> {
  const stream = new DecompressionStream("gzip")
  const writer = stream.writable.getWriter()
  // What it fails with is what the reader fails with.
  void writer
    .write(packed as Uint8Array<ArrayBuffer>)
    .then(() => writer.close())
    .catch(() => {})
  const bytes = new Uint8Array(byteCount)
  const reader = stream.readable.getReader()
  let at = 0
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const part = value ?? new Uint8Array()
    if (at + part.length > byteCount) {
      await reader.cancel()
      throw new LfError("BUG_FILE_INVALID", `expected ${byteCount} bytes of pages, got more`)
    }
    bytes.set(part, at)
    at += part.length
  }
  if (at === byteCount) return bytes
  throw new LfError("BUG_FILE_INVALID", `expected ${byteCount} bytes of pages, got ${at}`)
}

/** In parts: the arguments of one call have a limit. */
function toBase64(bytes: Uint8Array): string {
  let binary = ""
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}
