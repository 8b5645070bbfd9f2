import { lsn as publicLsn } from "@lf/core/internal"
import {
  bytesEqual,
  chainHash,
  decodeLogHeader,
  decodeRecords,
  isLfError,
  LfError,
  type LogRecord,
  lsn,
  openMemoryLog,
  Streams,
} from "@lf/core/testing"
import fc from "fast-check"
import { openFsLog, readFsLog } from "../../../packages/next/src/node/fs-log.ts"
import { joinPages } from "../../../packages/react/src/platform/browser/opfs-checkpoint.ts"
import { Tape } from "../tape.ts"
import { Fault, type Target } from "../target.ts"
import { type DamagedLog, damage, type WrittenLog, writtenLog } from "./damage.ts"
import { FolderCalls } from "./folder-calls.ts"

const tapes = fc.uint8Array({ minLength: 12, maxLength: 60 })

/** A whole log, damaged, into what every adapter calls: its end may be torn, or it is refused (I11). */
const recoveryTarget: Target = {
  name: "recovery",
  codes: ["LOG_CORRUPT"],
  valid: tapes,
  run(input) {
    const tape = new Tape(input)
    const log = writtenLog(tape)
    const damaged = damage(tape, log)
    try {
      const { header, endAt } = decodeLogHeader(damaged.bytes)
      const decoded = decodeRecords(damaged.bytes.subarray(endAt), header.generation)
      if (decoded.goodBytes < header.liveBytes) throw new LfError("LOG_CORRUPT", "the live records are damaged")
      new Streams({ ...openMemoryLog(), records: decoded.records })
      return checkPrefix(log, damaged, { cutAt: endAt + decoded.goodBytes, records: decoded.records })
    } catch (error) {
      checkRefusal(damaged, error)
      throw error
    }
  },
}

/** The same on the server's disk, with the database beside the log; what is appended afterwards is there the next time. */
const directoryTarget: Target = {
  name: "fs-directory",
  codes: ["LOG_CORRUPT"],
  valid: tapes,
  async run(input) {
    const tape = new Tape(input)
    const log = writtenLog(tape)
    const damaged = damage(tape, log)
    const main = joinPages(log.pages)
    const isMainWhole = !log.hasCheckpoint || tape.below(4) !== 3 || !scratch(tape, main)
    const calls = new FolderCalls()
    calls.files.set(`d/log-${name(log.generation)}`, damaged.bytes)
    if (log.hasCheckpoint) calls.files.set(`d/main-${name(log.generation)}.db`, main)
    const stored = await readFsLog("d", calls).catch(refusal)
    const { log: opened, records: found } = await openFsLog("d", calls).catch(async (error) => {
      if (!isLfError(stored)) throw new Fault("a log is refused to its owner only")
      if (isMainWhole) checkRefusal(damaged, error)
      throw error
    })
    if (isLfError(stored) || stored === null) throw new Fault("a log is refused to all but its owner")
    if (!isMainWhole) throw new Fault("a database that was damaged is taken")
    const records = found.map((record) => ({ ...record, lsn: lsn(record.lsn) }))
    const kept = calls.files.get(`d/log-${name(log.generation)}`) ?? new Uint8Array(0)
    const left = decodeRecords(kept.subarray(log.header.length), log.generation)
    if (left.tail !== "clean" || left.records.length !== records.length) throw new Fault("a torn tail was left (T18)")
    if (stored.records.length !== records.length)
      throw new Fault("the owner reads other records than the other readers")
    new Streams({ ...openMemoryLog(), records })
    const shape = checkPrefix(log, damaged, { cutAt: kept.length, records })
    const more = entryAfter(records)
    await opened.append([{ ...more, lsn: publicLsn(more.lsn) }])
    await opened.close()
    const again = await readFsLog("d", calls)
    if (again?.records.length !== records.length + 1 || again.records.at(-1)?.hash !== more.hash)
      throw new Fault("what was appended after a recovery is gone (I13)")
    return shape
  },
}

function refusal(error: unknown): LfError {
  if (isLfError(error)) return error
  throw error
}

/** A torn end is what every crash leaves: refusing it would lose the document. */
function checkRefusal({ isOnlyTorn }: DamagedLog, error: unknown): void {
  if (isOnlyTorn && isLfError(error)) throw new Fault(`a torn tail is refused: ${error.message}`)
}

/** Checks that exactly the first groups were read, and none is whole in what was cut off. */
function checkPrefix(
  log: WrittenLog,
  damaged: DamagedLog,
  { cutAt, records }: { readonly cutAt: number; readonly records: readonly LogRecord[] },
): string {
  let at = 0
  let count = 0
  while (count < log.groups.length && startsWith(records, at, log.groups[count].records)) {
    at += log.groups[count].records.length
    count++
  }
  if (at !== records.length) throw new Fault(`after ${count} groups comes something that was not written there (I11)`)
  if (log.hasCheckpoint && count === 0) throw new Fault("what was synced before the log got its name is cut off (I11)")
  const cut = damaged.left.filter((place) => place.at >= cutAt)
  if (cut.some(({ isWhole }) => isWhole)) throw new Fault("a whole group is cut off (I11)")
  if (cut[0]?.at === cutAt && cut[1]?.at === cut[0].endAt)
    throw new Fault("a group is cut off that was whole when the next one was begun (I11)")
  return `${count} of ${log.groups.length}`
}

function startsWith(records: readonly LogRecord[], at: number, wanted: readonly LogRecord[]): boolean {
  return wanted.every((record, i) => {
    const found = records[at + i]
    if (found === undefined || found.stream !== record.stream || found.type !== record.type) return false
    return found.lsn === record.lsn && found.hash === record.hash && bytesEqual(found.payload, record.payload)
  })
}

function entryAfter(records: readonly LogRecord[]): LogRecord {
  const last = records.findLast(({ stream }) => stream === "arrivals")
  const previousHash = last?.hash ?? 0n
  const payload = Uint8Array.of(99)
  const at = lsn((last?.lsn ?? 0) + 1)
  return { stream: "arrivals", lsn: at, type: "entry", payload, previousHash, hash: chainHash(previousHash, payload) }
}

/** Changes a byte of `main`, if it has any. */
function scratch(tape: Tape, main: Uint8Array): boolean {
  if (main.length === 0) return false
  main[tape.u16() % main.length] ^= 1 + tape.below(255)
  return true
}

function name(generation: number): string {
  return String(generation).padStart(16, "0")
}

export const recoveryTargets = [recoveryTarget, directoryTarget]
