import {
  bytesEqual,
  type Changeset,
  ConnectedClient,
  changesetCodec,
  decodeMessage,
  LSN_ZERO,
  type Lsn,
  lsn,
  News,
  nextLsn,
  PageHistory,
  type Pages,
  Storage,
} from "@lf/core/testing"

/** A document as the server keeps it: pages, what changed lately, and a copy made of nothing but the journal's bytes. */
export class Source {
  storage = new Storage()
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
    this.storage = new Storage(this.storage.snapshot())
  }

  /** What a reader at `cursor` is sent, through the peer and the codec that send it. */
  batchFor(cursor: Lsn): Changeset {
    const frames: Uint8Array[] = []
    const pipe = { send: (frame: Uint8Array) => void frames.push(frame), close() {}, listen() {} }
    const client = new ConnectedClient({ pipe, clientId: "reader", user: null, hasOurEpoch: true })
    client.waiting = { type: "sync-storage", cursor, outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 }
    const pages = this.storage.snapshot()
    const snapshot = { lsn: this.#lsn, checksum: this.storage.checksum, pages }
    client.startTransfer(new News(cursor, snapshot, this.#history.since(cursor, pages.length)), [])
    const parts: Pages[] = []
    for (;;) {
      const part = decodeMessage(frames[parts.length])
      if (part.type !== "pages") throw new Error(`a client sends pages, not ${part.type}`)
      parts.push(part)
      if (part.isLast) return { ...part.changeset, pages: parts.flatMap(({ changeset }) => changeset.pages) }
      client.sendPart()
    }
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
