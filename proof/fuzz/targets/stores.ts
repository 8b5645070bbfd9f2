import {
  ByteWriter,
  ClientList,
  chainHash,
  changesetCodec,
  concatBytes,
  decodeLogHeader,
  encodeLogHeader,
  type Host,
  LocalStore,
  type LogRecord,
  lsn,
  mutationCodec,
  type OpenedLog,
  OutcomeList,
  openMemoryLog,
  pagesChecksum,
  RemoteStore,
} from "@lf/core/testing"
import fc from "fast-check"
import { checkpointFrom, joinPages } from "../../../packages/react/src/platform/browser/opfs-checkpoint.ts"
import { chunk, Tape } from "../tape.ts"
import { about, checkValue, Fault, type Target } from "../target.ts"
import { changeset, PAGES } from "./pages.ts"
import { mutation, plainCodec, plainValue } from "./plain.ts"

// What was kept is read again: checkpoints and the entries of every stream, under chain hashes that are right.

const host: Host = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  randomBytes: (count) => new Uint8Array(count),
  after: () => () => {},
}

const REMOTE_STREAMS = [
  "storage",
  "arrivals",
  "outcomes",
  "bindings",
  "epoch",
  "client/a",
  "client/b",
  "attempts",
  "life",
]
const LOCAL_STREAMS = ["base", "identity", "rejections", "settled"]

/** A log as read from a tape: whether there is a checkpoint, its meta and how many pages; then entries, each with its stream. */
function openedFrom(tape: Tape, names: readonly string[]): OpenedLog {
  const hasCheckpoint = tape.below(2) === 1
  const meta = tape.chunk()
  const pages = PAGES.slice(0, tape.below(PAGES.length + 1))
  const last = new Map<string, { at: number; hash: bigint }>()
  const records: LogRecord[] = []
  while (!tape.isOver) {
    const stream = names[tape.below(names.length)]
    const payload = tape.chunk()
    const { at, hash: previousHash } = last.get(stream) ?? { at: 0, hash: 0n }
    const hash = chainHash(previousHash, payload)
    last.set(stream, { at: at + 1, hash })
    records.push({ stream, lsn: lsn(at + 1), type: "entry", payload, previousHash, hash })
  }
  return { ...openMemoryLog(), checkpoint: hasCheckpoint ? { meta, pages } : null, records }
}

function tapeOf(
  checkpoint: { meta: Uint8Array; pages: number } | null,
  kept: readonly (readonly [number, Uint8Array])[],
) {
  const parts = kept.map(([stream, payload]) => concatBytes([Uint8Array.of(stream), chunk(payload)]))
  const head = [Uint8Array.of(checkpoint === null ? 0 : 1), chunk(checkpoint?.meta ?? new Uint8Array(0))]
  return concatBytes([...head, Uint8Array.of(checkpoint?.pages ?? 0), ...parts])
}

const text = fc.string({ maxLength: 8 })
const user = fc.option(text)
const pageCount = fc.option(fc.integer({ min: 0, max: PAGES.length }))

const remoteEntry = fc.oneof(
  changeset.map((one) => [0, changesetCodec.encode(one)] as const),
  fc
    .record({ clientId: text, from: fc.nat(9), to: fc.nat(9), user, atMs: fc.nat(), forbidden: fc.array(fc.nat(9)) })
    .map((one) => [1, plainCodec.encode(one)] as const),
  fc
    .record({ clientId: text, lsn: fc.nat(9), uid: fc.uuid(), code: text, data: plainValue })
    .map((one) => [2, plainCodec.encode(one)] as const),
  fc.record({ clientId: text, user }).map((one) => [3, plainCodec.encode(one)] as const),
  fc.record({ epoch: text }).map((one) => [4, plainCodec.encode(one)] as const),
  mutation.map((one) => [5, mutationCodec.encode(one)] as const),
  fc
    .array(fc.record({ clientId: text, from: fc.nat(9), to: fc.nat(9) }), { maxLength: 2 })
    .map((one) => [7, plainCodec.encode(one)] as const),
  fc.record({ isOver: fc.boolean() }).map((one) => [8, plainCodec.encode(one)] as const),
)

function remoteMeta(pages: number): Uint8Array {
  const meta = new ByteWriter(64)
    .u8(1)
    .uint(9)
    .u64(pagesChecksum(PAGES.slice(0, pages)))
    .uint(2)
    .uint(pages)
  for (let i = 0; i < pages; i++) meta.uint(i + 3)
  return meta.finish()
}

const remoteTarget: Target = {
  name: "remote-store",
  codes: ["LOG_CORRUPT", "LOG_FORMAT_NEWER", "BYTES_MALFORMED", "CLIENT_PROOF"],
  valid: fc
    .tuple(pageCount, fc.array(remoteEntry, { maxLength: 5 }))
    .map(([pages, kept]) => tapeOf(pages === null ? null : { meta: remoteMeta(pages), pages }, kept)),
  run(input) {
    const store = new RemoteStore(openedFrom(new Tape(input), REMOTE_STREAMS), host)
    const clients = new ClientList(store)
    new OutcomeList(store).forget((clientId) => clients.seen(clientId))
    clients.checkOwner("a", null)
    if (typeof store.epoch !== "string") throw new Fault("the epoch is no text")
    const arrivals = Array.from(store.arrivals.iter(), ({ entry }) => entry)
    for (const { clientId, from, to, forbidden } of arrivals) {
      if (typeof clientId !== "string" || to - from > Number.MAX_SAFE_INTEGER)
        throw new Fault("an arrival without a client")
      forbidden.includes(from)
    }
    checkValue(arrivals, input)
    for (const id of ["a", "b"]) {
      const journal = clients.find(id)
      for (let at = 1; journal !== undefined && at <= journal.lsn(); at++) journal.entry(lsn(at))
    }
    for (const { entry } of store.attempts.iter()) for (const { clientId } of entry) clients.find(clientId)
    if (store.life.lsn() > 0) store.life.entry(store.life.lsn()).isOver.valueOf()
    store.history.since(lsn(3))
    return `${about(store.storage.basePageCount)} pages ${about(arrivals.length)} ${about(store.lsn())}`
  },
}

const rejection = fc.record({
  uid: fc.uuid(),
  name: text,
  args: plainValue,
  at: fc.nat(),
  code: text,
  data: plainValue,
})

const localEntry = fc.oneof(
  fc.tuple(text, fc.nat(99), changeset).map(([epoch, cursor, one]) => {
    const bytes = new ByteWriter(64).text(epoch).uint(cursor).raw(changesetCodec.encode(one)).finish()
    return [0, bytes] as const
  }),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((secret) => [1, secret] as const),
  rejection.map((one) => [2, plainCodec.encode({ type: "rejected", rejection: one })] as const),
  fc.uuid().map((uid) => [2, plainCodec.encode({ type: "dismissed", uid })] as const),
  fc.record({ clientId: text, lsn: fc.nat(9) }).map((one) => [3, plainCodec.encode(one)] as const),
)

function localMeta(pages: number): Uint8Array {
  return new ByteWriter(64)
    .u8(1)
    .text("e")
    .uint(4)
    .u64(pagesChecksum(PAGES.slice(0, pages)))
    .finish()
}

const localTarget: Target = {
  name: "local-store",
  codes: ["LOG_CORRUPT", "LOG_FORMAT_NEWER"],
  valid: fc
    .tuple(pageCount, fc.array(localEntry, { maxLength: 5 }))
    .map(([pages, kept]) => tapeOf(pages === null ? null : { meta: localMeta(pages), pages }, kept)),
  run(input) {
    const store = new LocalStore(openedFrom(new Tape(input), LOCAL_STREAMS), host)
    if (!Number.isSafeInteger(store.settledTo)) throw new Fault("settled up to nowhere")
    if (store.secret.length !== 32 || store.clientId.length !== 32) throw new Fault("an identity of another size")
    for (const { uid } of store.rejections) if (typeof uid !== "string") throw new Fault("a rejection of nothing")
    checkValue(store.rejections, input)
    if (store.storage.checksum !== pagesChecksum([...store.storage.snapshot()]))
      throw new Fault("a base that does not add up")
    return `${about(store.storage.basePageCount)} pages ${store.epoch === ""} ${about(store.rejections.length)}`
  },
}

const opfsValid = fc.nat(PAGES.length).map((pages) => {
  const some = PAGES.slice(0, pages)
  const checkpoint = { meta: Uint8Array.of(1), pageCount: pages, pagesChecksum: pagesChecksum(some) }
  return concatBytes([encodeLogHeader({ generation: 2, checkpoint, liveBytes: 0 }), joinPages(some)])
})

/** The browser's checkpoint: a header from IndexedDB and a file of pages that was never synced. */
const opfsTarget: Target = {
  name: "opfs-checkpoint",
  codes: ["LOG_CORRUPT", "LOG_FORMAT_NEWER"],
  valid: opfsValid,
  run(input) {
    const { header, endAt } = decodeLogHeader(input)
    if (header.checkpoint === null) return "none"
    const { pages } = checkpointFrom(header.checkpoint, input.slice(endAt))
    if (pages.length > 0 && pagesChecksum(pages) !== header.checkpoint.pagesChecksum) throw new Fault("damaged pages")
    if (pages.length > 0 && pages.length !== header.checkpoint.pageCount) throw new Fault("pages are missing")
    return `${pages.length} of ${header.checkpoint.pageCount}`
  },
}

export const storeTargets = [remoteTarget, localTarget, opfsTarget]
