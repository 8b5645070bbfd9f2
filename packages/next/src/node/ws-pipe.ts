import type { Pipe, PipeListener } from "@lf/core"
import type { RawData, WebSocket } from "ws"

export interface PipeLimits {
  /** Without a frame for this long the other side is taken for gone. A client asks every 10 s (HEARTBEAT_MS). */
  readonly idleMsMax: number
  /** What may wait to be read by the other side … */
  readonly bufferedBytesMax: number
  /** … for this long: then it is not slow but stuck (T23). */
  readonly bufferedMsMax: number
}

export const PIPE_LIMITS: PipeLimits = {
  idleMsMax: 45_000,
  bufferedBytesMax: 8 * 1024 * 1024,
  bufferedMsMax: 30_000,
}

/** How long a closing handshake may take before the socket is cut. */
const CLOSE_MS_MAX = 2_000
const CHECKS_PER_LIMIT = 5
const CLOSE_CODE = 4000
const CLOSE_CODE_UNSUPPORTED_DATA = 1003
const CLOSE_REASON_BYTES_MAX = 123

/** Either end of a WebSocket of `ws` as a pipe. Frames are binary; a text frame closes it with FRAME_MALFORMED. */
export class WsPipe implements Pipe {
  readonly #socket: WebSocket
  readonly #limits: PipeLimits
  readonly #checks: NodeJS.Timeout
  readonly #early: Uint8Array[] = []
  #listener: PipeListener | null = null
  #closedBecause: string | null = null
  #heardAtMs = performance.now()
  #stuckSinceMs: number | null = null

  constructor(socket: WebSocket, limits: PipeLimits = PIPE_LIMITS) {
    this.#socket = socket
    this.#limits = limits
    const checkMs = Math.min(limits.idleMsMax, limits.bufferedMsMax) / CHECKS_PER_LIMIT
    this.#checks = setInterval(() => this.#check(), checkMs).unref()
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary))
    socket.on("close", (code, reason) => this.#end(reason.toString() || `closed with ${code}`))
    socket.on("error", () => {}) // "close" follows
  }

  send(frame: Uint8Array): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(frame)
  }

  close(reason: string): void {
    this.#close(CLOSE_CODE, reason)
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    for (const frame of this.#early.splice(0)) listener.frame(frame)
    if (this.#closedBecause !== null) listener.closed(this.#closedBecause)
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#heardAtMs = performance.now()
    if (!isBinary || !Buffer.isBuffer(data)) {
      this.#close(CLOSE_CODE_UNSUPPORTED_DATA, "FRAME_MALFORMED")
      return
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return // what comes after our close is nobody's
    // Not a Buffer: its slice() is a view where everybody else's is a copy.
    const frame = new Uint8Array(data.buffer, data.byteOffset, data.length)
    if (this.#listener === null) this.#early.push(frame)
    else this.#listener.frame(frame)
  }

  #close(code: number, reason: string): void {
    const { readyState, OPEN, CONNECTING } = this.#socket
    if (readyState !== OPEN && readyState !== CONNECTING) return
    this.#socket.close(code, Buffer.byteLength(reason) <= CLOSE_REASON_BYTES_MAX ? reason : "closed")
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS_MAX)
    this.#socket.once("close", () => clearTimeout(timer))
  }

  #check(): void {
    const nowMs = performance.now()
    const { idleMsMax, bufferedBytesMax, bufferedMsMax } = this.#limits
    if (this.#socket.bufferedAmount <= bufferedBytesMax) this.#stuckSinceMs = null
    else this.#stuckSinceMs ??= nowMs
    const isStuck = this.#stuckSinceMs !== null && nowMs - this.#stuckSinceMs >= bufferedMsMax
    // No closing handshake: nobody would read it.
    if (isStuck || nowMs - this.#heardAtMs >= idleMsMax) this.#socket.terminate()
  }

  #end(reason: string): void {
    if (this.#closedBecause !== null) return
    clearInterval(this.#checks)
    this.#closedBecause = reason
    this.#listener?.closed(reason)
  }
}
