const EMPTY = new Uint8Array(0)

/**
 * An input read as a row of decisions, for what is more than one piece of bytes: a conversation, a disk and its damage.
 * Every input means something, and one that differs in a byte means nearly the same.
 */
export class Tape {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** 0 when the tape is over. */
  byte(): number {
    return this.isOver ? 0 : this.#bytes[this.#at++]
  }

  u16(): number {
    return this.byte() + this.byte() * 256
  }

  below(end: number): number {
    return (end <= 256 ? this.byte() : this.u16()) % end
  }

  /** As `chunk` below wrote it, or what is left of it. */
  chunk(): Uint8Array {
    const length = this.u16()
    const from = this.#at
    this.#at = Math.min(this.#bytes.length, from + length)
    return this.#at === from ? EMPTY : this.#bytes.slice(from, this.#at)
  }
}

/** A piece of a tape: its length in two bytes, then `bytes`. */
export function chunk(bytes: Uint8Array): Uint8Array {
  const piece = new Uint8Array(bytes.length + 2)
  piece[0] = bytes.length & 255
  piece[1] = bytes.length >> 8
  piece.set(bytes, 2)
  return piece
}
