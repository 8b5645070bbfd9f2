import fc from "fast-check"
import { beforeAll, describe, expect, test } from "vitest"
import { bytesToText, textToBytes } from "../base/bytes.ts"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
import { anchorHashes, Chain } from "./chain.ts"
import { type EntryCodec, Journal } from "./journal.ts"

beforeAll(loadChecksum)

const text: EntryCodec<string> = { encode: textToBytes, decode: bytesToText }
const MANY = 1_000_000

function journalOf(...entries: string[]): Journal<string> {
  const journal = new Journal(new Chain("s"), text)
  for (const entry of entries) journal.append(entry)
  return journal
}

const entriesOf = (journal: Journal<string>) => [...journal.iter()].map(({ entry }) => entry)

describe("journal", () => {
  test("positions count from 1 and the hash chains every entry", () => {
    const journal = journalOf()
    expect([journal.lsn(), journal.hash()]).toEqual([0, 0n])
    expect(journal.append("a")).toBe(1)
    expect(journal.append("b")).toBe(2)
    expect(journal.hash()).toBe(chainHash(chainHash(0n, textToBytes("a")), textToBytes("b")))
    expect([journal.hashAt(LSN_ZERO), journal.hashAt(lsn(2)), journal.hashAt(lsn(3))]).toEqual([
      0n,
      journal.hash(),
      undefined,
    ])
  })

  test("append keeps the object given, decode runs once per entry", () => {
    let decodes = 0
    const codec: EntryCodec<{ v: string }> = {
      encode: (entry) => textToBytes(entry.v),
      decode: (bytes) => {
        decodes++
        return { v: bytesToText(bytes) }
      },
    }
    const from = new Journal(new Chain("a"), codec)
    const entry = { v: "x" }
    from.append(entry)
    expect(from.entry(lsn(1))).toBe(entry)
    const to = new Journal(new Chain("b"), codec)
    to.write(from.read(LSN_ZERO, MANY))
    expect(decodes).toBe(0)
    expect(to.entry(lsn(1))).toBe(to.entry(lsn(1)))
    expect(decodes).toBe(1)
  })

  test("writing a batch again, or batches that overlap, changes nothing (I1)", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(12), fc.nat(60)), { maxLength: 30 }), (sends) => {
        const from = journalOf(..."abcdefghijkl")
        const to = journalOf()
        for (const [at, bytes] of sends) {
          const before = to.lsn()
          const batch = from.read(lsn(at), bytes)
          const result = to.write(batch)
          const reach = at + batch.entries.length
          if (at > before) expect(result).toEqual({ type: "gap", expected: before })
          else expect(result).toEqual({ type: "written", lsn: Math.max(before, reach) })
          expect(from.hashAt(to.lsn())).toBe(to.hash())
        }
      }),
    )
  })

  test("a gap appends nothing and names the expected position (T4)", () => {
    const to = journalOf("a")
    expect(to.write(journalOf("a", "b", "c").read(lsn(2), MANY))).toEqual({ type: "gap", expected: 1 })
    expect(to.lsn()).toBe(1)
  })

  test("a fork names the last common position and appends nothing (T1)", () => {
    const to = journalOf("a", "b", "c", "d")
    const other = journalOf("a", "b", "x", "d", "e")
    expect(to.write(other.read(LSN_ZERO, MANY))).toEqual({ type: "fork", common: 2 })
    expect(to.write(other.read(lsn(2), MANY))).toEqual({ type: "fork", common: 2 })
    expect(entriesOf(to)).toEqual(["a", "b", "c", "d"])
  })

  test("a batch that begins beyond the difference is a fork; sent from `common` it names it (T1)", () => {
    const to = journalOf("a", "b", "c", "d")
    const other = journalOf("a", "b", "x", "d", "e")
    expect(to.write(other.read(lsn(4), MANY))).toEqual({ type: "fork", common: 0 })
    to.rollup(lsn(1))
    expect(to.write(other.read(lsn(4), MANY))).toEqual({ type: "fork", common: 1 })
    expect(to.write(other.read(lsn(1), MANY))).toEqual({ type: "fork", common: 2 })
  })

  test("what is rolled up is compared from start() on and no earlier", () => {
    const to = journalOf("a", "b", "c", "d")
    to.rollup(lsn(3))
    expect(to.write(journalOf("a", "b", "c", "d", "e").read(lsn(1), MANY))).toEqual({ type: "written", lsn: 5 })
    expect(to.write(journalOf("a", "b", "x", "d", "e").read(lsn(1), MANY))).toEqual({ type: "fork", common: 1 })
  })

  test("a batch of which nothing can be compared any more is a fork, not an acknowledgement (T1)", () => {
    const to = journalOf("a", "b", "c", "d", "e")
    to.rollup(lsn(4))
    expect(to.write(journalOf("a", "x", "y").read(lsn(1), MANY))).toEqual({ type: "fork", common: 1 })
    expect(to.write(journalOf("a", "b", "c").read(lsn(1), MANY))).toEqual({ type: "fork", common: 1 })
  })

  test("hashes that a rollup keeps show where a clone diverged, also after a restart (T1)", () => {
    const chain = new Chain("s")
    const to = new Journal(chain, text)
    for (const entry of ["a", "b", "c", "d", "e"]) to.append(entry)
    to.rollup(lsn(4), undefined, 3)
    const [anchor, ...entries] = chain.records()
    const again = new Chain("s", null, anchor.lsn, anchorHashes(anchor))
    for (const { payload, hash } of entries) again.load(payload, hash)
    for (const journal of [to, new Journal(again, text)]) {
      expect([journal.start(), journal.lsn(), journal.hashAt(lsn(0))]).toEqual([4, 5, undefined])
      expect(journal.write(journalOf("a", "b", "x").read(lsn(1), MANY))).toEqual({ type: "fork", common: 2 })
      expect(journal.write(journalOf("a", "b", "c").read(lsn(1), MANY))).toEqual({ type: "written", lsn: 5 })
      expect(journal.hash()).toBe(journalOf("a", "b", "c", "d", "e").hash())
    }
  })

  test("read gives what fits, and one entry even when it does not", () => {
    const journal = journalOf("aaaa", "bbbb", "c")
    expect(journal.read(LSN_ZERO, 0).entries.length).toBe(1)
    const two = journal.read(LSN_ZERO, 24)
    expect(two.entries.map(bytesToText)).toEqual(["aaaa", "bbbb"])
    expect(journal.read(lsn(3), MANY)).toEqual({ from: 3, previousHash: journal.hash(), entries: [] })
  })

  test("rollup shows the entries to merge, then drops them and nothing above", () => {
    const journal = journalOf("a", "b", "c")
    const seen: string[] = []
    journal.rollup(lsn(2), (entries) => seen.push(...entries))
    expect(seen).toEqual(["a", "b"])
    expect([journal.start(), journal.lsn()]).toEqual([2, 3])
    expect(entriesOf(journal)).toEqual(["c"])
    expect(() => journal.entry(lsn(2))).toThrow("assertion")
    expect(() => journal.read(lsn(1), MANY)).toThrow("assertion")
    expect(() => journal.rollup(lsn(4))).toThrow("assertion")
    expect(journal.append("d")).toBe(4)
  })

  test("iterBackwards is iter reversed", () => {
    const journal = journalOf("a", "b", "c")
    journal.rollup(lsn(1))
    expect([...journal.iterBackwards()]).toEqual([...journal.iter()].reverse())
  })

  test("an entry written from a frame does not hold the frame in memory", () => {
    const frame = textToBytes("....entry")
    const to = journalOf()
    to.write({ from: LSN_ZERO, previousHash: 0n, entries: [frame.subarray(4)] })
    frame.fill(0)
    expect(to.entry(lsn(1))).toBe("entry")
    expect(to.entryBytes(lsn(1)).buffer.byteLength).toBe(5)
  })
})
