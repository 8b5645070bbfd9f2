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
const ann = { clientId: "a", user: "ann" }

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

describe("what is refused", () => {
  test("T38 is cut off, with all that follows, and its range begins where something is kept already", async () => {
    const { clients, send } = await setUp()
    expect(send(0, 2)).toEqual({ type: "cursor", lsn: 2 })
    const reply = send(0, 5, [refusedFrom(1, 2), refusedFrom(1, 4)])
    expect(reply).toEqual({ type: "refused", common: 2, ranges: [refusedFrom(2, 4)] })
    expect(clients.find("a")?.lsn()).toBe(2)
  })

  test("T38 was allowed when it came: a range of what is kept refuses nothing, and the rest is taken", async () => {
    const { send } = await setUp()
    send(0, 2)
    expect(send(0, 4, [refusedFrom(0, 2)])).toEqual({ type: "cursor", lsn: 4 })
  })

  test("T1 T4 a gap or a fork is answered as such, whatever is refused, and the id goes on", async () => {
    const { send } = await setUp()
    send(0, 2)
    expect(send(3, 5, [refusedFrom(3, 4)])).toEqual({ type: "gap", expected: 2 })
    expect(send(2, 4)).toEqual({ type: "cursor", lsn: 4 })
  })

  test("is not answered before what stands before it is taken: there was no room for all of it", async () => {
    const { outcomes, send } = await setUp()
    for (let n = 1; n < UNSEEN_REJECTIONS_MAX; n++)
      outcomes.append({ clientId: "a", lsn: lsn(n), uid: uidOf(n), code: "no", data: null })
    expect(send(0, 4, [refusedFrom(3, 4)])).toEqual({ type: "cursor", lsn: 1 })
  })
})

describe("room", () => {
  test(`I17 of a client with ${UNSEEN_REJECTIONS_MAX} rejections that it has not seen nothing more is taken`, async () => {
    const { clients, outcomes, send } = await setUp()
    send(0, 1)
    for (let n = 1; n <= UNSEEN_REJECTIONS_MAX; n++)
      outcomes.append({ clientId: "a", lsn: lsn(n), uid: uidOf(n), code: "no", data: null })
    expect(send(0, 3)).toEqual({ type: "cursor", lsn: 1 })
    clients.noteSeen("a", lsn(2))
    expect(send(0, 3)).toEqual({ type: "cursor", lsn: 3 })
  })

  test(`I17 ${CLIENT_ENTRIES_MAX} mutations are kept of a client, and what it sends again costs nothing`, async () => {
    const { clients, send } = await setUp()
    send(0, 2)
    const journal = clients.journal("a")
    Object.defineProperty(journal, "held", { get: () => ({ entries: CLIENT_ENTRIES_MAX - 1, bytes: 0 }) })
    expect(send(0, 5)).toEqual({ type: "cursor", lsn: 3 })
  })
})

describe("a client of whom nothing is kept", () => {
  test("gets no journal by sending nothing, or something that does not begin at 1", async () => {
    const { clients, send } = await setUp()
    expect(send(0, 0)).toEqual({ type: "cursor", lsn: 0 })
    expect(send(2, 3)).toEqual({ type: "gap", expected: 0 })
    expect(clients.find("a")).toBe(undefined)
  })

  test("T36 is refused with DOC_TOO_LARGE when the document is over its limit, and gets no journal", async () => {
    const { clients, size, send } = await setUp()
    size.isOver = true
    expect(send(0, 2)).toEqual({ type: "refused", common: 0, ranges: [refusedFrom(0, 2, "DOC_TOO_LARGE")] })
    expect(clients.find("a")).toBe(undefined)
  })
})

test("T38 an id of whom a mutation was refused takes nothing more, among 10,000 others that ended later", async () => {
  const { send } = await setUp()
  const end = (clientId: string) => send(0, 1, [refusedFrom(0, 1)], { clientId, user: "ann" })
  end("first")
  for (let n = 1; n < 10_000; n++) end(`c${n}`)
  const again = (clientId: string) => send(0, 1, [], { clientId, user: "ann" }).type
  expect(again("first")).toBe("fork")
  end("last")
  expect([again("c1"), again("last")]).toEqual(["fork", "fork"])
  expect(again("first")).toBe("cursor")
})
