import { type Checkpoint, type LogHeader, PAGE_BYTES, pagesChecksum } from "@lf/core/internal"

// A log's folder in OPFS holds one file per rollup, `db-<generation>-<fence>`: the pages and nothing else. The fence is the
// writer's, so that no owner writes or removes a file of a later one. OPFS is never fsynced, so what is read is
// checked against the header in IndexedDB, and a bad file is no loss: the server has the pages.

const WRITE_PAGES = 256
const FILE = /^db-\d+-(\d+)$/

/** The few files of one log. */
export interface CheckpointFiles {
  names(): Promise<string[]>
  /** Null when the file does not exist. */
  read(name: string): Promise<Uint8Array | null>
  /** Replaces the whole file once it resolves. */
  write(name: string, parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void>
  /** Succeeds when it does not exist. */
  remove(name: string): Promise<void>
}

export function pagesFileName(generation: number, fence: number): string {
  return `db-${generation}-${fence}`
}

export async function writePages(files: CheckpointFiles, name: string, pages: readonly Uint8Array[]): Promise<void> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for (let first = 0; first < pages.length; first += WRITE_PAGES) {
    parts.push(joinPages(pages.slice(first, first + WRITE_PAGES)))
  }
  await files.write(name, parts)
}

/** Null when the file is missing or cannot be read. */
export async function readPages(files: CheckpointFiles, name: string): Promise<Uint8Array | null> {
  try {
    return await files.read(name)
  } catch {
    // Like a damaged file: the pages are fetched again.
    return null
  }
}

/** Removes all files but `needed` and those of later owners than `fence`. Leftovers only cost space. */
export async function removeOtherPages(
  files: CheckpointFiles,
  fence: number,
  needed: readonly string[],
): Promise<void> {
  try {
    for (const name of await files.names()) {
      const isLater = Number(FILE.exec(name)?.[1] ?? 0) > fence
      if (!isLater && !needed.includes(name)) await files.remove(name)
    }
  } catch {
    // The next opening retries.
  }
}

export function joinPages(pages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pages.length * PAGE_BYTES)
  pages.forEach((page, i) => {
    bytes.set(page, i * PAGE_BYTES)
  })
  return bytes
}

/** The pages in `bytes` if they match the header, else none: the caller fetches them again. */
export function checkpointFrom(
  header: NonNullable<LogHeader["checkpoint"]>,
  bytes: Uint8Array | null | undefined,
): Checkpoint {
  const { meta, pageCount } = header
  const none: Checkpoint = { meta, pages: [] }
  if (bytes === null || bytes === undefined || bytes.length !== pageCount * PAGE_BYTES) return none
  const pages: Uint8Array[] = []
  // Copies, so that one retained page does not hold the whole file in memory.
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) pages.push(bytes.slice(at, at + PAGE_BYTES))
  return pagesChecksum(pages) === header.pagesChecksum ? { meta, pages } : none
}
