import { beforeAll, describe, expect, test } from "vitest"
import { textToBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { Chain } from "./chain.ts"
import { Journal } from "./journal.ts"

beforeAll(loadChecksum)

function chainOf(...entries: readonly string[]): Chain {
  const chain = new Chain("s")
  for (const entry of entries) chain.append(textToBytes(entry))
  return chain
}

describe("chain", () => {
  test("bytes counts the held entries: appended, loaded and merged, not those rolled up", () => {
    const chain = chainOf("a", "bcd")
    expect(chain.bytes).toBe(4)
    const other = chainOf()
    other.write(chain.read(lsn(0), 1000))
    expect(other.bytes).toBe(4)
    chain.rollup(lsn(1))
    expect(chain.bytes).toBe(3)
    chain.rollup(lsn(2))
    expect(chain.bytes).toBe(0)
  })

  test("a journal has the name and the bytes of its chain", () => {
    const journal = new Journal(chainOf("ab"), { encode: textToBytes, decode: () => "" })
    expect([journal.stream, journal.bytes]).toEqual(["s", 2])
  })

  test("a clone that differs at the first position with a known hash is a fork (T1)", () => {
    const [ours, clone] = [chainOf("a", "b", "c"), chainOf("a", "x", "c")]
    ours.rollup(lsn(2))
    expect(ours.write(clone.read(lsn(2), 1000))).toEqual({ type: "fork", common: 2 })
    expect(ours.write(chainOf("a", "b", "c", "d").read(lsn(2), 1000))).toEqual({ type: "written", lsn: 4 })
  })

  test("a batch after another last entry is a fork, though all entries here are rolled up (T1)", () => {
    const [ours, clone] = [chainOf("a", "b"), chainOf("a", "x", "c")]
    ours.rollup(lsn(2))
    expect(ours.write(clone.read(lsn(2), 1000))).toEqual({ type: "fork", common: 2 })
    expect(ours.lsn()).toBe(2)
  })

  test("a batch that ends at the first known hash is compared there (T1)", () => {
    const [ours, same, clone] = [chainOf("a", "b"), chainOf("a", "b"), chainOf("a", "x")]
    ours.rollup(lsn(2))
    expect(ours.write(same.read(lsn(0), 1000))).toEqual({ type: "written", lsn: 2 })
    expect(ours.write(clone.read(lsn(0), 1000))).toEqual({ type: "fork", common: 0 })
  })

  test("records begin with an anchor only where something was rolled up", () => {
    const chain = chainOf("a", "b")
    expect(chain.records().map(({ type, lsn: at }) => `${type} ${at}`)).toEqual(["entry 1", "entry 2"])
    chain.rollup(lsn(1))
    expect(chain.records().map(({ type, lsn: at }) => `${type} ${at}`)).toEqual(["anchor 1", "entry 2"])
  })

  test("an entry that has its buffer to itself is kept as it is, one inside a frame is copied", () => {
    const { previousHash } = chainOf().read(lsn(0), 0)
    const own = textToBytes("own").slice()
    const view = new Uint8Array(100).subarray(3, 6)
    const chain = chainOf()
    chain.write({ from: lsn(0), previousHash, entries: [own, view] })
    expect(chain.entryBytes(lsn(1))).toBe(own)
    expect(chain.entryBytes(lsn(2)).buffer.byteLength).toBe(3)
  })
})
