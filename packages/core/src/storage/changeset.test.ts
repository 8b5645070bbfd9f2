import { expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { type Changeset, changesetCodec, DOCUMENT_PAGES_MAX } from "./changeset.ts"

const delta = Uint8Array.of(2, 7)
const changeset: Changeset = {
  pageCount: 9,
  isWhole: false,
  before: 3n,
  after: 4n,
  pages: [
    { pageNo: 2, deltas: [delta] },
    { pageNo: 9, deltas: [delta, delta] },
  ],
}

test("a changeset comes back as it went in, with and without what was before", () => {
  for (const given of [changeset, { ...changeset, before: null }, { ...changeset, isWhole: true, pages: [] }])
    expect(changesetCodec.decode(changesetCodec.encode(given))).toEqual(given)
})

test("too many, misplaced or no pages and bytes behind the end are BYTES_MALFORMED (S9)", () => {
  const head = (pageCount: number, count: number) => new ByteWriter().uint(pageCount).u8(0).u64(4n).uint(count)
  const page = new ByteWriter().uint(1).bytes(delta).finish()
  for (const bad of [
    head(DOCUMENT_PAGES_MAX + 1, 0),
    head(9, 9).uint(1).raw(page),
    head(9, 1).uint(0).raw(page),
    head(9, 1).uint(10).raw(page),
    head(9, 1).uint(1).uint(0).u8(0),
    head(9, 1).uint(1).uint(99).raw(delta),
    head(9, 0).u8(0),
  ])
    expect(() => changesetCodec.decode(bad.finish())).toThrow(expect.objectContaining({ code: "BYTES_MALFORMED" }))
})
