import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { mutationCodec } from "./mutation.ts"
import { ClientJournal, HASHES_KEPT, HASHES_MAX } from "./timeline.ts"

beforeAll(() => loadChecksum())

const END = lsn(Number.MAX_SAFE_INTEGER)

async function open(disk: MemoryDisk) {
  const streams = new Streams(await disk.open("d"))
  return { streams, journal: new ClientJournal(streams.journal("client/a", mutationCodec)) }
}

function fill(journal: ClientJournal, count: number): void {
  const from = journal.lsn()
  const entries = Array.from({ length: count }, (_, i) => new Uint8Array([i & 255, (from + i) & 255]))
  journal.write({ from, previousHash: journal.hashAt(from) ?? 0n, entries })
  journal.applied = journal.lsn()
  journal.release(END)
}

/** The oldest position whose hash is known. */
function oldest(journal: ClientJournal): Lsn {
  let at = journal.lsn()
  while (at > 0 && journal.hashAt(lsn(at - 1)) !== undefined) at = lsn(at - 1)
  return at
}

test("applied entries go at once; hashes above what the client confirmed survive a restart (T1)", async () => {
  const disk = new MemoryDisk()
  const { streams, journal } = await open(disk)
  fill(journal, 3_000)
  expect([journal.held.entries, oldest(journal)]).toEqual([0, 0])
  await streams.rollup({ meta: new Uint8Array(0), pages: [] })
  await streams.close()
  const again = await open(disk)
  again.journal.applied = again.journal.lsn()
  fill(again.journal, 2_000)
  expect([again.journal.lsn(), oldest(again.journal)]).toEqual([5_000, 0])
  again.journal.confirm(lsn(4_000))
  fill(again.journal, 1_000)
  expect(oldest(again.journal)).toBe(4_000 - HASHES_KEPT)
})

test("of a client that confirms nothing so many hashes stay, and no more (I17)", async () => {
  const { journal } = await open(new MemoryDisk())
  for (let i = 0; i < 5; i++) fill(journal, HASHES_MAX / 4)
  expect(oldest(journal)).toBe(journal.lsn() - HASHES_MAX)
})
