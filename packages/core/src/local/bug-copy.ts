import { LfError } from "../base/error.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import type { Host } from "../base/host.ts"
import { lsn } from "../base/lsn.ts"
import type { OpenedLog } from "../journal/log.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { PageTable } from "../storage/page-table.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import { Timeline } from "../timeline/timeline.ts"
import type { Local } from "./local.ts"
import { rejectionCodec } from "./local-entries.ts"
import { LocalStore } from "./local-store.ts"

/** Pages of the largest base that is copied: 64 MiB. */
export const BUG_PAGES_MAX = 16_384

/** What a document on a device is made of, without the client's secret: enough to make it anew elsewhere. */
export interface BugCopy {
  readonly epoch: string
  readonly cursor: number
  /** The base's pages, one after the other. */
  readonly pages: Uint8Array
  readonly checksum: bigint
  /** The pending mutations and the open rejections, as the log has them. */
  readonly pending: readonly Uint8Array[]
  readonly rejections: readonly Uint8Array[]
  /** The hashes of the code's migrations. */
  readonly schema: readonly string[]
}

/** @throws BUG_TOO_LARGE */
export function copyBug(local: Local): BugCopy {
  const { storage } = local.inside
  const { checksum, basePageCount: pageCount } = storage
  if (pageCount > BUG_PAGES_MAX)
    throw new LfError("BUG_TOO_LARGE", `expected a document of at most ${BUG_PAGES_MAX} pages, got ${pageCount}`)
  const pages = new Uint8Array(pageCount * PAGE_BYTES)
  let at = 0
  for (const page of storage.snapshot()) {
    pages.set(page, at)
    at += PAGE_BYTES
  }
  return {
    epoch: local.epoch,
    cursor: local.cursor,
    pages,
    checksum,
    pending: local.pending().map((mutation) => mutationCodec.encode(mutation)),
    rejections: local.rejections.map((rejection) => rejectionCodec.encode({ type: "rejected", rejection })),
    schema: local.mutator.migrations.map(({ hash }) => hash),
  }
}

/**
 * Writes the copy into an empty log, under a new client id: a `Local` that opens it does what a device does after a
 * restart. @throws BUG_FILE_INVALID
 */
export async function storeBug(
  opened: OpenedLog,
  copy: BugCopy,
  { host, mutator, user }: { readonly host: Host; readonly mutator: Mutator; readonly user: string | null },
): Promise<void> {
  const store = new LocalStore(opened, host)
  try {
    const table = new PageTable()
    const pageCount = copy.pages.length / PAGE_BYTES
    table.load(Array.from({ length: pageCount }, (_, i) => copy.pages.slice(i * PAGE_BYTES, (i + 1) * PAGE_BYTES)))
    // A device that never had pages has none to replace.
    if (pageCount > 0) {
      const base = { table, pageCount, checksum: copy.checksum }
      store.receiveBase({ epoch: copy.epoch, cursor: lsn(copy.cursor), base })
    }
    const timeline = new Timeline(store.streams, { clientId: store.clientId, mutator, user })
    for (const bytes of copy.pending) timeline.append(mutationCodec.decode(bytes))
    for (const bytes of copy.rejections) {
      const entry = rejectionCodec.decode(bytes)
      if (entry.type === "rejected") store.reject(entry.rejection)
    }
    await store.flush()
  } catch (cause) {
    throw new LfError("BUG_FILE_INVALID", ERROR_CODES.BUG_FILE_INVALID, { cause })
  } finally {
    await store.close()
  }
}
