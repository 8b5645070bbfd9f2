import { beforeAll, describe, expect, test } from "vitest"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import type { RefusedRange } from "../network/message.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { BatchMerger, CLIENT_ENTRIES_MAX, UNSEEN_REJECTIONS_MAX } from "./batch-merger.ts"
import { ClientList } from "./client-list.ts"
import { OutcomeList } from "./outcome-list.ts"
import { RemoteStore } from "./remote-store.ts"
import { SizeWatch } from "./size-watch.ts"

beforeAll(loadChecksum)

const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
const entryOf = (n: number) => mutationCodec.encode({ uid: uidOf(n), name: "Add", args: n, at: 1 })
const ann = { clientId: "a", user: "ann", author: { id: "ann" } }

/** A document's server, to which one client sends its mutations 1, 2, 3 … */
async function setUp() {
  const host = new SimHost(new SimClock(), new SeededRandom(1))
  const store = new RemoteStore(await new MemoryDisk().open("d"), host)
  const clients = new ClientList(store)
  const outcomes = new OutcomeList(store)
  const size = new SizeWatch(undefined)
  const merger = new BatchMerger({ store, clients, outcomes, host, size, onBound: () => {} })
  const hashAt = (position: number) => {
    let hash = 0n
    for (let n = 1; n <= position; n++) hash = chainHash(hash, entryOf(n))
    return hash
  }
  /** The mutations after `from`, up to `to`. */
  const send = (from: number, to: number, refused: readonly RefusedRange[] = [], sender = ann) => {
    const entries = Array.from({ length: to - from }, (_, i) => entryOf(from + i + 1))
    const batch = { from: lsn(from), previousHash: hashAt(from), entries }
    return merger.merge(sender, { type: "sync-mutations", batch, confirmed: lsn(0) }, refused)
  }
  return { store, clients, outcomes, size, send }
}

const refusedFrom = (from: number, to: number, code = "MUTATION_FORBIDDEN") => ({ from: lsn(from), to: lsn(to), code })

describe("a refused mutation (T38)", () => {
  test("is cut off with all after it; its range begins after the entries that are kept", async () => {
    const { clients, send } = await setUp()
    expect(send(0, 2)).toEqual({ type: "cursor", lsn: 2 })
    const reply = send(0, 5, [refusedFrom(1, 2), refusedFrom(1, 4)])
    expect(reply).toEqual({ type: "refused", common: 2, ranges: [refusedFrom(2, 4)] })
    expect(clients.find("a")?.lsn()).toBe(2)
  })

  test("that is kept already is not refused, and the entries after it are written", async () => {
    const { send } = await setUp()
    send(0, 2)
    expect(send(0, 4, [refusedFrom(0, 2)])).toEqual({ type: "cursor", lsn: 4 })
  })

  test("does not hide a gap or a fork, which leave the id usable (T1, T4)", async () => {
    const { send } = await setUp()
    send(0, 2)
    expect(send(3, 5, [refusedFrom(3, 4)])).toEqual({ type: "gap", expected: 2 })
    expect(send(2, 4)).toEqual({ type: "cursor", lsn: 4 })
  })

  test("is answered only after the entries in front of it, also when these lack room", async () => {
    const { outcomes, send } = await setUp()
    for (let n = 1; n < UNSEEN_REJECTIONS_MAX; n++)
      outcomes.append({ clientId: "a", lsn: lsn(n), uid: uidOf(n), code: "no", data: null })
    expect(send(0, 4, [refusedFrom(3, 4)])).toEqual({ type: "cursor", lsn: 1 })
  })
})

describe("room", () => {
  test(`ends at ${UNSEEN_REJECTIONS_MAX} rejections that a client has not seen (I17)`, async () => {
    const { clients, outcomes, send } = await setUp()
    send(0, 1)
    for (let n = 1; n <= UNSEEN_REJECTIONS_MAX; n++)
      outcomes.append({ clientId: "a", lsn: lsn(n), uid: uidOf(n), code: "no", data: null })
    expect(send(0, 3)).toEqual({ type: "cursor", lsn: 1 })
    clients.noteSeen("a", lsn(2))
    expect(send(0, 3)).toEqual({ type: "cursor", lsn: 3 })
  })

  test(`is for ${CLIENT_ENTRIES_MAX} mutations of a client; repeated ones cost nothing (I17)`, async () => {
    const { clients, send } = await setUp()
    send(0, 2)
    const journal = clients.journal("a")
    Object.defineProperty(journal, "held", { get: () => ({ entries: CLIENT_ENTRIES_MAX - 1, bytes: 0 }) })
    expect(send(0, 5)).toEqual({ type: "cursor", lsn: 3 })
  })
})

describe("a client without a journal", () => {
  test("gets none for an empty batch, or one that does not begin at 1", async () => {
    const { clients, send } = await setUp()
    expect(send(0, 0)).toEqual({ type: "cursor", lsn: 0 })
    expect(send(2, 3)).toEqual({ type: "gap", expected: 0 })
    expect(clients.find("a")).toBe(undefined)
  })

  test("gets DOC_TOO_LARGE and no journal when the document is over its limit (T36)", async () => {
    const { clients, size, send } = await setUp()
    size.isOver = true
    expect(send(0, 2)).toEqual({ type: "refused", common: 0, ranges: [refusedFrom(0, 2, "DOC_TOO_LARGE")] })
    expect(clients.find("a")).toBe(undefined)
  })
})

test("an id with a refused mutation stays ended while 9,999 others end after it (T38)", async () => {
  const { send } = await setUp()
  const end = (clientId: string) => send(0, 1, [refusedFrom(0, 1)], { ...ann, clientId })
  end("first")
  for (let n = 1; n < 10_000; n++) end(`c${n}`)
  const again = (clientId: string) => send(0, 1, [], { ...ann, clientId }).type
  expect(again("first")).toBe("fork")
  end("last")
  expect([again("c1"), again("last")]).toEqual(["fork", "fork"])
  expect(again("first")).toBe("cursor")
})
