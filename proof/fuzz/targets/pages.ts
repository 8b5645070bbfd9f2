import {
  applyDelta,
  bytesEqual,
  type Changeset,
  changesetCodec,
  encodeDelta,
  encodeWhole,
  hash64,
  PAGE_BYTES,
  type Page,
  PageTable,
  pagesChecksum,
} from "@lf/core/testing"
import fc from "fast-check"
import { about, checkStable, Fault, type Target } from "../target.ts"

function page(fill: (i: number) => number): Page {
  return Uint8Array.from({ length: PAGE_BYTES }, (_, i) => fill(i))
}

/** One that compresses, an empty one, one that does not compress. */
export const PAGES: readonly Page[] = [
  page((i) => (i < 100 ? i : (i >> 5) & 255)),
  page(() => 0),
  page((i) => (Math.imul(i + 1, 2_654_435_761) >>> 13) & 255),
]

/** A page with a few stretches of others, moved or new. */
const edits = fc.array(fc.tuple(fc.nat(PAGE_BYTES - 1), fc.nat(PAGE_BYTES - 1), fc.nat(60)), { maxLength: 4 })
const edited = fc.tuple(fc.nat(2), edits).map(([base, stretches]) => {
  const bytes = PAGES[base].slice()
  for (const [to, from, length] of stretches) bytes.copyWithin(to, from, from + length)
  return { base, bytes }
})

const deltaBytes = fc.oneof(
  edited.map(({ base, bytes }) => encodeDelta(PAGES[base], bytes)),
  fc.tuple(fc.nat(2), fc.nat(2)).map(([from, to]) => encodeDelta(PAGES[from], PAGES[to])),
  fc.constantFrom(...PAGES.map(encodeWhole)),
)

/** One in this many accepted deltas is encoded anew: that costs a hundred times what applying it does. */
const ENCODED_ONE_IN = 64

const deltaTarget: Target = {
  name: "delta",
  codes: ["BYTES_MALFORMED"],
  valid: deltaBytes,
  run(input) {
    const kind = input[0]
    const before = kind === 1 || kind === 2 ? undefined : PAGES[input.length % PAGES.length]
    const old = before?.slice()
    const after = applyDelta(before, input)
    if (after.length !== PAGE_BYTES || after.buffer.byteLength !== PAGE_BYTES)
      throw new Fault("a page has another size")
    if (old !== undefined && before !== undefined && !bytesEqual(old, before))
      throw new Fault("the old page was changed")
    if (hash64(after) % BigInt(ENCODED_ONE_IN) === 0n) {
      const again = applyDelta(before, encodeDelta(before, after))
      if (!bytesEqual(after, again)) throw new Fault("the delta of a page makes another page")
    }
    return `kind ${kind} ${about(input.length)}`
  },
}

export const changeset: fc.Arbitrary<Changeset> = fc
  .record({
    isWhole: fc.boolean(),
    hasBefore: fc.boolean(),
    pageCount: fc.integer({ min: 1, max: 5 }),
    changed: fc.array(edited, { minLength: 5, maxLength: 5 }),
    chosen: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  })
  .map(({ isWhole, hasBefore, pageCount, changed, chosen }) => {
    const pages = changed.slice(0, pageCount).flatMap(({ base, bytes }, i) => {
      const isNew = isWhole || i >= PAGES.length
      if (!isNew && !chosen[i]) return []
      const first = isNew ? encodeWhole(bytes) : encodeDelta(PAGES[i], PAGES[base])
      return [{ pageNo: i + 1, deltas: isNew ? [first] : [first, encodeDelta(PAGES[base], bytes)] }]
    })
    const draft = { pageCount, isWhole, before: hasBefore ? pagesChecksum(PAGES) : null, after: 0n, pages }
    return sealed(draft) ?? draft
  })

/** The pages after `changes`, made in the plainest way; undefined where one is missing. */
function pagesAfter({ pageCount, isWhole, pages }: Changeset): Page[] | undefined {
  const after: (Page | undefined)[] = isWhole ? [] : PAGES.slice(0, pageCount)
  for (const { pageNo, deltas } of pages) {
    for (const delta of deltas) after[pageNo - 1] = applyDelta(after[pageNo - 1], delta)
  }
  const made = Array.from({ length: pageCount }, (_, i) => after[i])
  return made.every((one) => one !== undefined) ? made : undefined
}

/** The same changes with the checksums that they ought to have, so that a decoder is met behind them too. */
function sealed(changes: Changeset): Changeset | undefined {
  const after = pagesAfter(changes)
  if (after === undefined) return undefined
  const before = changes.before === null ? null : pagesChecksum(PAGES)
  return { ...changes, before, after: pagesChecksum(after) }
}

/** Pages in ascending order, none beyond the last, each with something to apply. */
export function checkOrder({ pageCount, pages }: Changeset): void {
  let previous = 0
  for (const { pageNo, deltas } of pages) {
    if (pageNo <= previous || pageNo > pageCount || deltas.length === 0)
      throw new Fault(`page ${pageNo} is out of place`)
    previous = pageNo
  }
}

/** Puts `changes` over `PAGES`: all of them or nothing, and every page as the model has it. */
export function checkReceive(changes: Changeset): void {
  const table = new PageTable()
  table.load(PAGES)
  try {
    table.receive(changes)
  } catch (error) {
    if (!samePages(table, PAGES)) throw new Fault("a refused changeset left something behind")
    throw error
  }
  const model = pagesAfter(changes)
  if (model === undefined || !samePages(table, model))
    throw new Fault("the pages received are not those of the changes")
  if (table.checksum !== changes.after) throw new Fault("the checksum is not that of the pages")
}

function samePages(table: PageTable, pages: readonly Page[]): boolean {
  if (table.pageCount !== pages.length || table.checksum !== pagesChecksum(pages)) return false
  return pages.every((one, i) => bytesEqual(one, table.page(i + 1) ?? new Uint8Array(0)))
}

/** A model with more pages would cost more than it shows. */
const MODEL_PAGES_MAX = 64

const changesetTarget: Target = {
  name: "changeset",
  codes: ["BYTES_MALFORMED", "CHECKSUM_MISMATCH"],
  valid: changeset.map(changesetCodec.encode),
  run(input) {
    const changes = changesetCodec.decode(input)
    checkOrder(changes)
    checkStable(changesetCodec, changes)
    const shape = `whole ${changes.isWhole} before ${changes.before !== null} pages ${about(changes.pages.length)}`
    const right = changes.pageCount <= MODEL_PAGES_MAX ? sealed(changes) : undefined
    if (right !== undefined) checkReceive(right)
    else checkReceive(changes)
    return `${shape} of ${about(changes.pageCount)}`
  },
}

export const pageTargets = [deltaTarget, changesetTarget]
