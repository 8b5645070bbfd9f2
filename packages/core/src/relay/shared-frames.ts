import { bytesEqual } from "../base/bytes.ts"
import type { Cancel, Host } from "../base/host.ts"
import type { FromOwner } from "./relay-message.ts"

/** A shorter frame is sent again: to name it would save little. */
export const KEPT_BYTES_MIN = 1_024
/** What the other server keeps of one document's frames. A first sync of more than this is sent to each of its clients. */
export const KEPT_BYTES_MAX = 8 * 1024 * 1024
/** A frame is compared to each of them. */
export const KEPT_FRAMES_MAX = 256
/** Kept for so long after its last use: clients that come together are served together. */
export const KEPT_MS = 10_000

interface Kept {
  readonly frame: Uint8Array
  usedMs: number
}

/**
 * What an owner sends to the clients of one other server. The same frame goes there once: for all clients that get it in one turn,
 * and by its number alone when others got it a short time ago, as in a first sync. Pages at a position never change.
 */
export class SharedFrames {
  readonly #host: Pick<Host, "after" | "monotonicMs">
  readonly #send: (message: FromOwner) => void
  /** The same object, for one client after the other. */
  #gathered: { readonly frame: Uint8Array; readonly clients: number[] } | null = null
  /** By number, the least recently used first. */
  readonly #kept = new Map<number, Kept>()
  #keptBytes = 0
  #lastNumber = 0
  #cancel: Cancel | null = null

  constructor(host: Pick<Host, "after" | "monotonicMs">, send: (message: FromOwner) => void) {
    this.#host = host
    this.#send = send
  }

  /** Sent in this turn, before whatever comes after a `flush`. */
  add(client: number, frame: Uint8Array): void {
    if (this.#gathered?.frame === frame) {
      this.#gathered.clients.push(client)
      return
    }
    this.flush()
    this.#gathered = { frame, clients: [client] }
    void Promise.resolve().then(() => this.flush())
  }

  flush(): void {
    if (this.#gathered === null) return
    const { frame, clients } = this.#gathered
    this.#gathered = null
    if (frame.length < KEPT_BYTES_MIN) {
      this.#send({ type: "frame", clients, kept: 0, frame })
      return
    }
    const known = this.#find(frame)
    const kept = known ?? ++this.#lastNumber
    this.#use(kept, frame)
    this.#send(known === null ? { type: "frame", clients, kept, frame } : { type: "again", clients, kept })
    this.#forget(() => this.#keptBytes > KEPT_BYTES_MAX || this.#kept.size > KEPT_FRAMES_MAX)
  }

  end(): void {
    this.#gathered = null
    this.#cancel?.()
    this.#cancel = null
    this.#kept.clear()
  }

  #find(frame: Uint8Array): number | null {
    for (const [number, one] of this.#kept) if (bytesEqual(one.frame, frame)) return number
    return null
  }

  #use(number: number, frame: Uint8Array): void {
    if (!this.#kept.delete(number)) this.#keptBytes += frame.length
    this.#kept.set(number, { frame, usedMs: this.#host.monotonicMs() })
    this.#cancel ??= this.#host.after(KEPT_MS, () => this.#expire())
  }

  #expire(): void {
    this.#cancel = null
    const oldestMs = this.#host.monotonicMs() - KEPT_MS
    this.#forget(({ usedMs }) => usedMs <= oldestMs)
    if (this.#kept.size > 0) this.#cancel = this.#host.after(KEPT_MS, () => this.#expire())
  }

  /** The least recently used ones, while `isOver` says so. */
  #forget(isOver: (oldest: Kept) => boolean): void {
    const numbers: number[] = []
    for (const [number, one] of this.#kept) {
      if (!isOver(one)) break
      this.#kept.delete(number)
      this.#keptBytes -= one.frame.length
      numbers.push(number)
    }
    if (numbers.length > 0) this.#send({ type: "forget", kept: numbers })
  }
}
