import { ByteReader, ByteWriter, bytesEqual } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import type { Cancel, Host } from "../base/host.ts"
import { readPlain, writePlain } from "../base/plain.ts"
import type { Link } from "../network/link.ts"
import { PRESENCE_BYTES_MAX, type SharedPresence } from "../network/message.ts"

/** Presences that came or changed, and the ids of those that went. `isAll`: those before do not count. */
export interface PresencesChange {
  readonly isAll: boolean
  readonly changed: readonly SharedPresence[]
  readonly gone: readonly string[]
}

/** A tab's changes within this time are sent as one. */
const SEND_MS = 50
const NOTHING = new Uint8Array()

/** Who has the document open: what this device's tabs show, and what others show while it is connected. */
export class Presences {
  readonly #host: Host
  readonly #own = new Map<string, Uint8Array>()
  /** What was set and not sent. */
  readonly #unsent = new Set<string>()
  readonly #others = new Map<string, SharedPresence>()
  readonly #watchers = new Set<(change: PresencesChange) => void>()
  #link: Link | null = null
  #isSendDue = false
  #onWatched: () => void = () => {}

  constructor(host: Host) {
    this.#host = host
  }

  /** What a tab shows from now on; null: nothing. */
  set(tab: string, value: Uint8Array | null): void {
    const before = this.#own.get(tab)
    if (value === null ? before === undefined : before !== undefined && bytesEqual(before, value)) return
    if (value === null) this.#own.delete(tab)
    else this.#own.set(tab, value)
    this.#unsent.add(tab)
    if (this.#isSendDue) return
    this.#isSendDue = true
    this.#host.after(SEND_MS, () => {
      this.#isSendDue = false
      this.#send()
    })
  }

  /** The watcher gets all that are known at once, then what changes. Returns its undo. */
  watch(watcher: (change: PresencesChange) => void): Cancel {
    this.#watchers.add(watcher)
    watcher({ isAll: true, changed: [...this.#others.values()], gone: [] })
    this.#onWatched()
    return () => void this.#watchers.delete(watcher)
  }

  /** Serves a connection until it ends. */
  async run(link: Link): Promise<void> {
    this.#link = link
    for (const tab of this.#own.keys()) this.#unsent.add(tab)
    this.#send()
    try {
      let version = 0
      while (link.isOpen) {
        if (this.#watchers.size === 0) await Promise.race([this.#watched(), link.closed])
        else {
          const news = await link.watchPresences(version)
          version = news.version
          this.#take(news)
        }
      }
    } catch {
      // The connection ended, and says why itself.
    } finally {
      if (this.#link === link) {
        this.#link = null
        this.#take({ isAll: true, changed: [], gone: [] })
      }
    }
  }

  #watched(): Promise<void> {
    return new Promise((resolve) => {
      this.#onWatched = resolve
    })
  }

  #send(): void {
    if (this.#link === null) return
    for (const tab of this.#unsent) this.#link.sendPresence(tab, this.#own.get(tab) ?? NOTHING)
    this.#unsent.clear()
  }

  #take(change: PresencesChange): void {
    if (change.isAll) this.#others.clear()
    for (const id of change.gone) this.#others.delete(id)
    for (const one of change.changed) this.#others.set(one.id, one)
    for (const watcher of [...this.#watchers]) watcher(change)
  }
}

/** @throws PRESENCE_INVALID for what is no plain data, or too large */
export function presenceToBytes(value: unknown): Uint8Array {
  const writer = new ByteWriter(128)
  try {
    writePlain(writer, value)
  } catch (cause) {
    throw new LfError("PRESENCE_INVALID", "expected plain data as a presence, got something else", { cause })
  }
  if (writer.length <= PRESENCE_BYTES_MAX) return writer.end()
  throw new LfError(
    "PRESENCE_INVALID",
    `expected a presence of at most ${PRESENCE_BYTES_MAX} bytes, got ${writer.length}: keep large data in rows`,
  )
}

/** Undefined: they are no plain data; another version of the app, or a hostile client, sent them. */
export function bytesToPresence(bytes: Uint8Array): unknown {
  try {
    const reader = new ByteReader(bytes)
    const value = readPlain(reader)
    reader.end()
    return value
  } catch {
    return undefined
  }
}
