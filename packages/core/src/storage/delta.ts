import { ByteReader, ByteWriter, bytesEqual, firstDifference } from "../base/bytes.ts"
import { deflate, inflate } from "../base/deflate.ts"
import { LfError, toLfError } from "../base/error.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { readCopies, writeCopies } from "./copy-delta.ts"

/**
 * How one page becomes another, self-describing: a kind, then its payload. Whichever is smallest is taken.
 * - runs: (bytes kept, bytes replaced, the new bytes)… against the old page
 * - deflated: the whole page, compressed
 * - raw: the whole page
 * - copies: stretches of the old page, and bytes between them
 */
export type PageDelta = Uint8Array

const KIND_RUNS = 0
const KIND_DEFLATED = 1
const KIND_RAW = 2
const KIND_COPIES = 3
/** Equal bytes between two runs that cost less to send again than a new run's two lengths. */
const GAP_BYTES_MIN = 4
/** Under this byte runs are taken without looking further. */
const RUNS_BYTES_SMALL = 48
/** So many byte runs are given up: something moved, and copies are smaller. */
const RUNS_MAX = 160
/** Under this a delta is taken without trying compression: it could hardly win. */
const DELTA_BYTES_SMALL = 512
/** A compressed page is never larger than this, so a longer one is an attack on the inflater. */
const DEFLATED_BYTES_MAX = PAGE_BYTES + 64

// One page at a time, in the same memory: encoding is synchronous, and every write of a page passes here.
const runsWriter = new ByteWriter(PAGE_BYTES)
const copiesWriter = new ByteWriter(PAGE_BYTES)

/** The smallest delta from `before` (undefined: the page is new) to `after`. */
export function encodeDelta(before: Page | undefined, after: Page): PageDelta {
  if (before === undefined) return encodeWhole(after)
  const runs = writeRuns(before, after)
  if (runs !== null && runs.length <= RUNS_BYTES_SMALL) return runs.finish()
  const copies = copiesWriter.restart().u8(KIND_COPIES)
  writeCopies(copies, before, after)
  const delta = runs !== null && runs.length <= copies.length ? runs : copies
  if (delta.length <= DELTA_BYTES_SMALL) return delta.finish()
  const whole = encodeWhole(after)
  return delta.length <= whole.length ? delta.finish() : whole
}

/** A delta that needs no old page. */
export function encodeWhole(page: Page): PageDelta {
  const deflated = deflate(page)
  if (deflated.length < PAGE_BYTES) return tagged(KIND_DEFLATED, deflated)
  return tagged(KIND_RAW, page)
}

/**
 * The page after `delta`. Never writes into `before`.
 * @throws BYTES_MALFORMED
 */
export function applyDelta(before: Page | undefined, delta: PageDelta): Page {
  const reader = new ByteReader(delta)
  switch (reader.u8()) {
    case KIND_RUNS:
      if (before === undefined) throw malformed("expected an old page below runs, got none")
      return applyRuns(before, reader)
    case KIND_COPIES:
      if (before === undefined) throw malformed("expected an old page below copies, got none")
      return readCopies(before, reader)
    case KIND_DEFLATED:
      return pageByDelta.get(delta) ?? inflatePage(reader.raw(reader.remaining))
    case KIND_RAW:
      if (reader.remaining !== PAGE_BYTES)
        throw malformed(`expected a raw page of ${PAGE_BYTES} bytes, got ${reader.remaining}`)
      return reader.raw(PAGE_BYTES).slice()
    default:
      throw malformed("expected a known kind of delta, got an unknown one")
  }
}

/**
 * The page after a chain of deltas: a page that changed often is copied once, not for each of them. Never writes into `before`.
 * @throws BYTES_MALFORMED
 */
export function applyDeltas(before: Page | undefined, deltas: readonly PageDelta[]): Page | undefined {
  let page = before
  let isOwn = false
  for (const delta of deltas) {
    if (isOwn && page !== undefined && delta[0] === KIND_RUNS) writeRunsInto(page, new ByteReader(delta.subarray(1)))
    else {
      page = applyDelta(page, delta)
      // An inflated page may be kept for others.
      isOwn = delta[0] !== KIND_DEFLATED
    }
  }
  return page
}

export function isWhole(delta: PageDelta): boolean {
  return delta[0] === KIND_DEFLATED || delta[0] === KIND_RAW
}

function writeRuns(before: Page, after: Page): ByteWriter | null {
  const writer = runsWriter.restart().u8(KIND_RUNS)
  let kept = 0
  let at = firstDifference(before, after, 0)
  for (let count = 0; at < PAGE_BYTES; count++) {
    if (count === RUNS_MAX) return null
    const end = endOfRun(before, after, at)
    writer
      .uint(at - kept)
      .uint(end - at)
      .raw(after.subarray(at, end))
    kept = end
    at = firstDifference(before, after, end)
  }
  return writer
}

/** Where the run that starts at `from` ends: at the first gap of equal bytes that is worth a new run. */
function endOfRun(before: Page, after: Page, from: number): number {
  let end = from + 1
  for (;;) {
    const next = firstDifference(before, after, end)
    if (next === end) end++
    else if (next < PAGE_BYTES && next - end < GAP_BYTES_MIN) end = next
    else return end
    if (end >= PAGE_BYTES) return PAGE_BYTES
  }
}

function applyRuns(before: Page, reader: ByteReader): Page {
  const page = before.slice()
  writeRunsInto(page, reader)
  return page
}

function writeRunsInto(page: Page, reader: ByteReader): void {
  let at = 0
  while (reader.remaining > 0) {
    at += reader.uint()
    const bytes = reader.bytes(PAGE_BYTES)
    if (at + bytes.length > PAGE_BYTES) throw malformed("a run ends behind the page")
    page.set(bytes, at)
    at += bytes.length
  }
}

/** Pages that were inflated before they were wanted. */
const pageByDelta = new WeakMap<PageDelta, Page>()

/** Inflates a page that will be wanted: as the parts of a first sync arrive, not all in one piece at its end. */
export function inflateAhead(delta: PageDelta): void {
  if (delta[0] !== KIND_DEFLATED) return
  try {
    pageByDelta.set(delta, inflatePage(delta.subarray(1)))
  } catch {
    // `applyDelta` fails as well, where a base that cannot be used is known what to do with.
  }
}

function inflatePage(deflated: Uint8Array): Page {
  if (deflated.length > DEFLATED_BYTES_MAX)
    throw malformed(`expected a compressed page of at most ${DEFLATED_BYTES_MAX} bytes, got ${deflated.length}`)
  try {
    const page = inflate(deflated, PAGE_BYTES)
    if (page.length !== PAGE_BYTES)
      throw malformed(`expected a page of ${PAGE_BYTES} bytes in a compressed one, got ${page.length}`)
    return page
  } catch (error) {
    throw toLfError(error, "BYTES_MALFORMED")
  }
}

function tagged(kind: number, payload: Uint8Array): PageDelta {
  const delta = new Uint8Array(payload.length + 1)
  delta[0] = kind
  delta.set(payload, 1)
  return delta
}

function malformed(message: string): LfError {
  return new LfError("BYTES_MALFORMED", message)
}

/** Whether two pages are the same to the last byte. */
export function samePage(a: Page | undefined, b: Page | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && bytesEqual(a, b))
}
