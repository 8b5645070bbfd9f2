import type { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"

// A page as stretches copied from its old version and bytes inserted between them. An insert into a b-tree page shifts its
// array of cell pointers by two bytes: byte runs see every pointer change, a copy sees one that moved.

/** A shorter copy costs about as much as the bytes themselves. */
const COPY_BYTES_MIN = 6
const WINDOW_BYTES = 4
/** Earlier places with the same four bytes that are compared. */
const CANDIDATES_MAX = 8
/** A copy that is so long is taken without looking for a longer one: free space is alike everywhere. */
const COPY_BYTES_GOOD = 64
const HASH_BITS = 12
const NOWHERE = -1

// Scratch for one page at a time: encoding is synchronous.
const head = new Int16Array(1 << HASH_BITS)
const before4 = new Int16Array(PAGE_BYTES)

/** (inserted bytes with their length, copied length, distance of the copy's source from the end of the last one)… */
export function writeCopies(writer: ByteWriter, before: Page, after: Page): void {
  indexPage(before)
  let inserted = 0
  let expected = 0
  let at = 0
  while (at < PAGE_BYTES) {
    const { from, length } = longestCopy(before, after, at, expected)
    if (length < COPY_BYTES_MIN) {
      at++
      continue
    }
    writer
      .bytes(after.subarray(inserted, at))
      .uint(length)
      .uint(zigzag(from - expected))
    at += length
    inserted = at
    expected = from + length
  }
  if (inserted < PAGE_BYTES) writer.bytes(after.subarray(inserted))
}

/** @throws BYTES_MALFORMED */
export function readCopies(before: Page, reader: ByteReader): Page {
  const page = new Uint8Array(PAGE_BYTES)
  let at = 0
  let expected = 0
  while (at < PAGE_BYTES) {
    const bytes = reader.bytes(PAGE_BYTES - at)
    page.set(bytes, at)
    at += bytes.length
    if (at === PAGE_BYTES) break
    const length = reader.uint()
    const from = expected + unzigzag(reader.uint())
    if (length === 0 || length > PAGE_BYTES - at || from < 0 || from + length > PAGE_BYTES) {
      throw new LfError("BYTES_MALFORMED", "a copy lies outside its page")
    }
    page.set(before.subarray(from, from + length), at)
    at += length
    expected = from + length
  }
  reader.end()
  return page
}

function indexPage(page: Page): void {
  head.fill(NOWHERE)
  let word = (page[0] << 8) | (page[1] << 16) | (page[2] << 24)
  for (let i = 0; i + WINDOW_BYTES <= PAGE_BYTES; i++) {
    word = (word >>> 8) | (page[i + WINDOW_BYTES - 1] << 24)
    const slot = hashWord(word)
    before4[i] = head[slot]
    head[slot] = i
  }
}

/** The longest stretch of `before` that stands in `after` at `at`; going on where the last copy ended is tried first. */
function longestCopy(before: Page, after: Page, at: number, expected: number): { from: number; length: number } {
  let from = expected
  let length = commonBytes(before, expected, after, at)
  if (length >= COPY_BYTES_GOOD) return { from, length }
  const inPlace = at === expected ? length : commonBytes(before, at, after, at)
  if (inPlace > length) {
    from = at
    length = inPlace
  }
  if (length >= COPY_BYTES_GOOD || at + WINDOW_BYTES > PAGE_BYTES) return { from, length }
  let candidate = head[hash4(after, at)]
  for (let i = 0; i < CANDIDATES_MAX && candidate !== NOWHERE; i++) {
    const common = commonBytes(before, candidate, after, at)
    // A source elsewhere costs a byte or two more to say.
    if (common > length + 2) {
      from = candidate
      length = common
    }
    candidate = before4[candidate]
  }
  return { from, length }
}

function commonBytes(a: Page, aFrom: number, b: Page, bFrom: number): number {
  const most = PAGE_BYTES - Math.max(aFrom, bFrom)
  let count = 0
  while (count < most && a[aFrom + count] === b[bFrom + count]) count++
  return count
}

function hash4(page: Page, at: number): number {
  return hashWord(page[at] | (page[at + 1] << 8) | (page[at + 2] << 16) | (page[at + 3] << 24))
}

function hashWord(word: number): number {
  return Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS)
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}
