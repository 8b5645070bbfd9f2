/** What a chunk costs besides its bytes: its object. A frame that comes byte by byte costs a hundred times its size. */
const PIECE_BYTES = 256
const OPCODE_CONTROL = 0x8

/**
 * Follows the frames of a WebSocket (RFC 6455, 5.2) through its bytes without keeping them: counts what has arrived of
 * an unfinished message. The library above reports a message only when it is whole.
 */
export class FrameMeter {
  readonly #head: number[] = []
  /** Payload of the frame under way that has not arrived. */
  #missing = 0
  #isControl = false
  #isLast = false
  #frameBytes = 0
  #messageBytes = 0
  #pieces = 0

  /** Bytes of the message under way; 0 between two messages. */
  get messageBytes(): number {
    return this.#messageBytes + this.#frameBytes
  }

  /** Memory that the message under way takes. */
  get heldBytes(): number {
    return this.messageBytes === 0 ? 0 : this.messageBytes + this.#pieces * PIECE_BYTES
  }

  take(chunk: Uint8Array): void {
    let at = 0
    this.#pieces++
    while (at < chunk.length) {
      if (this.#missing === 0) {
        this.#head.push(chunk[at])
        this.#frameBytes++
        at++
        this.#readHead()
      } else {
        const count = Math.min(this.#missing, chunk.length - at)
        at += count
        this.#frameBytes += count
        this.#missing -= count
        if (this.#missing === 0) this.#endFrame(chunk.length - at)
      }
    }
  }

  /** Once the header is whole, its payload follows. */
  #readHead(): void {
    const head = this.#head
    if (head.length < 2) return
    const short = head[1] & 0x7f
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    const maskBytes = (head[1] & 0x80) === 0 ? 0 : 4
    if (head.length < 2 + lengthBytes + maskBytes) return
    const extended = head.slice(2, 2 + lengthBytes)
    const length = lengthBytes === 0 ? short : extended.reduce((sum, byte) => sum * 256 + byte, 0)
    this.#isControl = (head[0] & OPCODE_CONTROL) !== 0
    this.#isLast = (head[0] & 0x80) !== 0
    head.length = 0
    this.#missing = length
    if (length === 0) this.#endFrame(0)
  }

  /** A control frame may come between two fragments of a message, and is no part of it. */
  #endFrame(bytesLeft: number): void {
    if (!this.#isControl) this.#messageBytes = this.#isLast ? 0 : this.#messageBytes + this.#frameBytes
    this.#frameBytes = 0
    if (this.#messageBytes === 0) this.#pieces = bytesLeft > 0 ? 1 : 0
  }
}
