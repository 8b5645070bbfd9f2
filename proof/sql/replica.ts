import assert from "node:assert/strict"
import {
  BaseTransfer,
  bytesEqual,
  type Changeset,
  ConnectedClient,
  changesetCodec,
  type Difference,
  decodeMessage,
  encodeMessage,
  FirstSync,
  LSN_ZERO,
  type Lsn,
  lsn,
  News,
  nextLsn,
  PageHistory,
  type Pages,
  planBase,
  Storage,
  type WholeBase,
} from "@lf/core/testing"

/** Few, so that a first sync has several parts. */
const CHUNK_PAGES = 3

/** What a reader lacked. */
interface Batch {
  readonly isWhole: boolean
  receive(reader: Storage): void
}

/** A document as the server keeps it: pages, what changed lately, and a copy made of nothing but the journal's bytes. */
export class Source {
  storage = new Storage([], undefined, CHUNK_PAGES)
  #history = new PageHistory(LSN_ZERO)
  #lsn = LSN_ZERO
  readonly #copy = new Storage()

  get cursor(): Lsn {
    return this.#lsn
  }

  /** After a COMMIT: the changeset goes to the journal. Null, or how the copy that replays it differs (I5, I13). */
  commit(): string | null {
    const changeset = this.storage.commit()
    if (changeset === null) return null
    const read = changesetCodec.decode(changesetCodec.encode(changeset))
    this.#copy.receive(read)
    this.#lsn = nextLsn(this.#lsn)
    this.#history.append(this.#lsn, read)
    return difference(this.storage, this.#copy)
  }

  /** As after a checkpoint and a restart: the deltas are gone, when each page changed last is known. */
  restart(): void {
    const { changedAt, changedSince } = this.#history
    this.#history = new PageHistory(
      this.#lsn,
      Array.from(changedAt, (at) => at ?? 0),
      changedSince,
    )
    this.storage = new Storage(this.storage.snapshot(), undefined, CHUNK_PAGES)
  }

  /** What a reader at `cursor` is sent, through the peer and the codec that send it. */
  async batchFor(cursor: Lsn): Promise<Batch> {
    const difference = this.#history.since(cursor)
    if (difference === null) {
      const base = await this.baseFor(new FirstSync())
      assert(base !== null, "all parts were taken")
      return { isWhole: true, receive: (reader) => reader.replaceBase(base) }
    }
    const changeset = this.#changesFor(cursor, difference)
    return { isWhole: false, receive: (reader) => reader.receive(changeset) }
  }

  /** A first sync goes on for so many parts; null: it is cut then. */
  async baseFor(sync: FirstSync, partsMax = Number.POSITIVE_INFINITY): Promise<WholeBase | null> {
    const asked = { type: "sync-storage", cursor: LSN_ZERO, outcomesSeen: LSN_ZERO, ...sync.begin("epoch") } as const
    const request = decodeMessage(encodeMessage(asked))
    assert(request.type === "sync-storage", "a request is decoded as one")
    const snapshot = this.#snapshot()
    const transfer = new BaseTransfer(snapshot, planBase(snapshot, this.#history, request), [])
    for (let count = 0; count < partsMax; count++) {
      const part = decodeMessage(encodeMessage(await transfer.nextPart()))
      assert(part.type === "chunk", "a part is decoded as one")
      await sync.take(part, part.block.length)
      if (part.isLast) return sync.end(part)
    }
    return null
  }

  #changesFor(cursor: Lsn, lacked: Difference): Changeset {
    const frames: Uint8Array[] = []
    const pipe = { send: (frame: Uint8Array) => void frames.push(frame), close() {}, listen() {} }
    const client = new ConnectedClient({ pipe, clientId: "reader", rights: { user: null }, hasOurEpoch: true })
    client.waiting = { type: "sync-storage", cursor, outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 }
    client.startTransfer(new News(cursor, this.#snapshot(), lacked), [])
    const parts: Pages[] = []
    for (;;) {
      const part = decodeMessage(frames[parts.length])
      if (part.type !== "pages") throw new Error(`a client sends pages, not ${part.type}`)
      parts.push(part)
      if (part.isLast) return { ...part.changeset, pages: parts.flatMap(({ changeset }) => changeset.pages) }
      client.sendPart()
    }
  }

  #snapshot() {
    return { lsn: this.#lsn, checksum: this.storage.checksum, pages: this.storage.snapshot() }
  }
}

/** How two bases differ, or null: every byte, the count, the checksum. */
export function difference(one: Storage, other: Storage): string | null {
  if (one.basePageCount !== other.basePageCount) return `${one.basePageCount} pages, the other ${other.basePageCount}`
  const [pages, others] = [[...one.snapshot()], [...other.snapshot()]]
  const at = pages.findIndex((page, i) => !bytesEqual(page, others[i]))
  if (at >= 0) return `page ${at + 1} differs`
  return one.checksum === other.checksum ? null : "the checksums differ"
}
