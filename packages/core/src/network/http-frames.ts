import { ByteReader, ByteWriter, concatBytes } from "../base/bytes.ts"
import { LfError, toLfError } from "../base/error.ts"
import { FRAME_BYTES_MAX } from "./message.ts"

/** What one POST carries of a connection's frames: below the size of a body that proxies take. */
export const SEND_BYTES_MAX = 128 * 1024
const KEY_BYTES_MAX = 128
/** A send's bytes with its key and number. */
export const SEND_BODY_BYTES_MAX = SEND_BYTES_MAX + KEY_BYTES_MAX + 16
const LENGTH_BYTES = 4

/** The body of one POST of a client without a WebSocket: a piece of its frames, each with its length before it. */
export interface Send {
  /** Names the event stream that answers. The server gave it to the client alone. */
  readonly key: string
  /** 0, 1, 2 and so on: a send that was lost or came twice ends the connection. */
  readonly number: number
  readonly bytes: Uint8Array
}

export function encodeSend({ key, number, bytes }: Send): Uint8Array {
  return new ByteWriter(bytes.length + KEY_BYTES_MAX + 16).text(key).uint(number).bytes(bytes).end()
}

/** @throws FRAME_MALFORMED */
export function decodeSend(body: Uint8Array): Send {
  try {
    const reader = new ByteReader(body)
    const send = { key: reader.text(KEY_BYTES_MAX), number: reader.uint(), bytes: reader.bytes(SEND_BYTES_MAX) }
    reader.end()
    return send
  } catch (cause) {
    throw new LfError("FRAME_MALFORMED", toLfError(cause, "FRAME_MALFORMED").message, { cause })
  }
}

/** A frame with its length before it. */
export function lengthPrefixed(frame: Uint8Array): Uint8Array {
  return new ByteWriter(frame.length + LENGTH_BYTES).u32(frame.length).raw(frame).end()
}

/** Takes length-prefixed frames in pieces of any size. */
export class FrameAssembler {
  #held: Uint8Array = new Uint8Array(0)

  /** Of a frame that is not whole. */
  get heldBytes(): number {
    return this.#held.length
  }

  /** The frames that are whole with these bytes; each is the caller's to keep. @throws FRAME_TOO_LARGE */
  take(bytes: Uint8Array): Uint8Array[] {
    let rest = this.#held.length === 0 ? bytes : concatBytes([this.#held, bytes])
    const frames: Uint8Array[] = []
    while (rest.length >= LENGTH_BYTES) {
      const length = new ByteReader(rest).u32()
      if (length > FRAME_BYTES_MAX)
        throw new LfError("FRAME_TOO_LARGE", `expected a frame of at most ${FRAME_BYTES_MAX} bytes, got ${length}`)
      if (rest.length < LENGTH_BYTES + length) break
      frames.push(rest.slice(LENGTH_BYTES, LENGTH_BYTES + length))
      rest = rest.subarray(LENGTH_BYTES + length)
    }
    this.#held = rest.slice()
    return frames
  }
}
