import {
  anchorRecord,
  bytesEqual,
  chainHash,
  concatBytes,
  encodeGroup,
  encodeLogHeader,
  type LogRecord,
  LSN_ZERO,
  lsn,
  type Page,
  pagesChecksum,
} from "@lf/core/testing"
import type { Tape } from "../tape.ts"
import { PAGES } from "./pages.ts"

/** A log as it was written, group by group. */
export interface WrittenLog {
  readonly generation: number
  readonly header: Uint8Array
  readonly groups: readonly { readonly bytes: Uint8Array; readonly records: readonly LogRecord[] }[]
  readonly hasCheckpoint: boolean
  readonly pages: readonly Page[]
}

/** What became of it. */
export interface DamagedLog {
  readonly bytes: Uint8Array
  /** The groups that lie where they were written, or where they were moved as a whole; at least their headers do. */
  readonly left: readonly { readonly at: number; readonly endAt: number; readonly isWhole: boolean }[]
  /** Nothing but its end was lost, and not of what was synced before the log got its name. */
  readonly isOnlyTorn: boolean
}

const STREAMS = ["arrivals", "storage", "client/a", "client/b"]
const LIVE_GROUPS = 1
const GROUP_HEADER_BYTES = 40
const EMPTY = new Uint8Array(0)

/** A log of one to six groups. Each has an entry of `arrivals`, as nearly every group of a server does. */
export function writtenLog(tape: Tape): WrittenLog {
  const generation = 1 + tape.below(3)
  const hasCheckpoint = tape.below(2) === 1
  const last = new Map<string, LogRecord>()
  const groups: { bytes: Uint8Array; records: LogRecord[] }[] = []
  for (let left = 1 + tape.below(6); left > 0; left--) {
    const records = [entry(last, STREAMS[0], Uint8Array.of(left))]
    for (let more = tape.below(4); more > 0; more--) {
      const stream = tape.below(8)
      if (stream < 7) records.push(entry(last, STREAMS[stream % STREAMS.length], payload(tape, groups)))
      else if (last.delete("client/b")) records.push(anchorRecord("client/b", LSN_ZERO, 0n))
    }
    groups.push({ bytes: encodeGroup(generation, records), records })
  }
  const pages = hasCheckpoint ? PAGES.slice(0, tape.below(PAGES.length + 1)) : []
  const checkpoint = { meta: EMPTY, pageCount: pages.length, pagesChecksum: pagesChecksum(pages) }
  const liveBytes = hasCheckpoint ? groups[0].bytes.length : 0
  const header = encodeLogHeader({ generation, checkpoint: hasCheckpoint ? checkpoint : null, liveBytes })
  return { generation, header, groups, hasCheckpoint, pages }
}

function entry(last: Map<string, LogRecord>, stream: string, bytes: Uint8Array): LogRecord {
  const before = last.get(stream)
  const previousHash = before?.hash ?? 0n
  const at = lsn((before?.lsn ?? 0) + 1)
  const record: LogRecord = {
    stream,
    lsn: at,
    type: "entry",
    payload: bytes,
    previousHash,
    hash: chainHash(previousHash, bytes),
  }
  last.set(stream, record)
  return record
}

/** A few bytes, or an earlier group as a whole: a document may hold the file of a log. */
function payload(tape: Tape, groups: readonly { readonly bytes: Uint8Array }[]): Uint8Array {
  const length = tape.below(48)
  if (length === 47 && groups.length > 0) return groups[tape.below(groups.length)].bytes
  return new Uint8Array(length).fill(length)
}

/** One to three damages, one after the other, as the rest of the tape says. */
export function damage(tape: Tape, log: WrittenLog): DamagedLog {
  let groups = log.groups.map(({ bytes }) => bytes)
  const moves = tape.below(4)
  for (let left = moves === 3 ? 1 : 0; left > 0; left--) groups = moved(tape, log, groups)
  let bytes = concatBytes([log.header, ...groups])
  let isOnlyTorn = moves !== 3
  for (let left = isOnlyTorn ? 1 + tape.below(3) : tape.below(2); left > 0; left--) {
    const kind = tape.below(6)
    const at = tape.below(Math.max(1, bytes.length))
    if (kind === 4) {
      bytes = bytes.slice(0, at)
      continue
    }
    isOnlyTorn = false
    bytes = kind === 5 ? misplaced(tape, log, bytes) : scribbled(tape, kind, bytes, at)
    // Were its origin damaged as well, a misplaced header would look like the one of a torn group.
    if (kind === 2 || kind === 5) break
  }
  const syncedBytes = log.header.length + (log.hasCheckpoint ? log.groups[LIVE_GROUPS - 1].bytes.length : 0)
  let at = log.header.length
  const left = groups.flatMap((group) => {
    const from = at
    at += group.length
    const isWritten = log.groups.some((written) => written.bytes === group)
    const hasHeader = bytesEqual(bytes.subarray(from, from + GROUP_HEADER_BYTES), group.subarray(0, GROUP_HEADER_BYTES))
    const isWhole = bytesEqual(bytes.subarray(from, at), group)
    return isWritten && hasHeader ? [{ at: from, endAt: at, isWhole }] : []
  })
  return { bytes, left, isOnlyTorn: isOnlyTorn && bytes.length >= syncedBytes }
}

/** Whole groups doubled, swapped, gone, or left behind by another generation. */
function moved(tape: Tape, log: WrittenLog, groups: readonly Uint8Array[]): Uint8Array[] {
  const changed = [...groups]
  const from = tape.below(groups.length)
  const to = tape.below(groups.length)
  switch (tape.below(4)) {
    case 0:
      changed.splice(to, 0, groups[from])
      return changed
    case 1:
      changed[from] = groups[to]
      changed[to] = groups[from]
      return changed
    case 2:
      changed.splice(from, 1)
      return changed
    default:
      changed.splice(to, tape.below(2), encodeGroup(log.generation + 1, log.groups[from].records))
      return changed
  }
}

/** The beginning of one group where another one begins. */
function misplaced(tape: Tape, log: WrittenLog, bytes: Uint8Array): Uint8Array {
  const starts = log.groups.map((_, i) => log.groups.slice(0, i).reduce((at, group) => at + group.bytes.length, 0))
  const [from, to] = [starts[tape.below(starts.length)], starts[tape.below(starts.length)]]
  const changed = bytes.slice()
  const head = log.header.length
  writeElsewhere(changed, head + to, head + from, GROUP_HEADER_BYTES + tape.below(32))
  return changed
}

/** A flipped bit, a stretch of zeros, a stretch from elsewhere, or bytes behind the end. */
function scribbled(tape: Tape, kind: number, bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice()
  const length = 1 + tape.below(64)
  if (kind === 0 && at < changed.length) changed[at] ^= 1 << tape.below(8)
  else if (kind === 1) changed.fill(0, at, at + length)
  else if (kind === 2) writeElsewhere(changed, at, tape.below(Math.max(1, bytes.length)), length * 4)
  else return concatBytes([bytes, new Uint8Array(length).fill(tape.byte())])
  return changed
}

/** A block that was written to the wrong place. */
function writeElsewhere(bytes: Uint8Array, to: number, from: number, length: number): void {
  bytes.copyWithin(to, from, from + length)
}
