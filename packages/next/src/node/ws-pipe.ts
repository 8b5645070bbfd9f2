import type { Duplex } from "node:stream"
import type { Pipe, PipeListener } from "@lf/core/internal"
import type { RawData, WebSocket } from "ws"
import type { IntakeShare } from "../limits/connection-quotas.ts"
import { LIMITS } from "../limits/limits.ts"
import type { RateLimiter } from "../limits/rate-limiter.ts"
import { traffic } from "../process/traffic.ts"
import { PipeChecks, type PipeLimits, rate } from "./pipe-limits.ts"
import { countIntake } from "./ws-intake.ts"

/** A client accepts what its server sends, without limits. */
export const CLIENT_PIPE_LIMITS: PipeLimits = {
  ...LIMITS,
  framesPerSecond: Number.MAX_SAFE_INTEGER,
  bytesPerSecond: Number.MAX_SAFE_INTEGER,
}

/** How long a closing handshake may take before the socket is cut. */
const CLOSE_MS_MAX = 2_000
/** How long a closed connection has to read the reason. */
const CUT_MS = 250
const CLOSE_CODE = 4000
const CLOSE_CODE_UNSUPPORTED_DATA = 1003
const CLOSE_REASON_BYTES_MAX = 123

/** Either end of a WebSocket of `ws` as a pipe. Frames are binary; a text frame closes it with FRAME_MALFORMED. */
export class WsPipe implements Pipe {
  readonly #socket: WebSocket
  readonly #limits: PipeLimits
  readonly #checks: PipeChecks
  readonly #early: Uint8Array[] = []
  #listener: PipeListener | null = null
  #closedBecause: string | null = null
  readonly #frames: RateLimiter
  readonly #bytes: RateLimiter
  readonly #traffic = traffic()
  #isCut = false
  #welcomed = () => {}

  constructor(socket: WebSocket, limits: PipeLimits = LIMITS) {
    this.#socket = socket
    this.#limits = limits
    this.#frames = rate(limits.framesPerSecond)
    this.#bytes = rate(limits.bytesPerSecond)
    // No closing handshake: the other end would not read it.
    this.#checks = new PipeChecks({ limits, unreadBytes: () => this.unreadBytes, end: () => socket.terminate() })
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary))
    socket.on("close", (code, reason) => this.#end(reason.toString() || `closed with ${code}`))
    socket.on("error", () => {}) // "close" follows
  }

  /** Bytes sent that wait in this process for the other end to read. */
  get unreadBytes(): number {
    return this.#socket.bufferedAmount
  }

  send(frame: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#socket.send(frame)
    this.#traffic.sentBytes += frame.length
    // It requested more than it reads, which no lf client does; no closing handshake, which it would not read.
    if (this.unreadBytes > this.#limits.unreadBytesMax) this.#socket.terminate()
  }

  close(reason: string): void {
    this.#close(CLOSE_CODE, reason)
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    for (const frame of this.#early.splice(0)) listener.frame(frame)
    if (this.#closedBecause !== null) listener.closed(this.#closedBecause)
  }

  /** Counts what arrives on the stream below before it is a frame: for a server's end (S7, S20). */
  countIntake(socket: Duplex, share: IntakeShare): void {
    const { welcomed, stop } = countIntake({
      socket,
      share,
      helloBytesMax: this.#limits.helloBytesMax,
      progressed: () => this.#checks.received(),
      tooMuch: () => this.cut("RATE_LIMITED"),
    })
    this.#welcomed = welcomed
    this.#socket.once("close", stop)
  }

  /** Called at the welcome: from now on rates limit what the other end sends. */
  welcomed(): void {
    this.#welcomed()
  }

  /** Sends the reason, stops reading, and waits for no handshake. */
  cut(reason: string): void {
    if (this.#isCut) return
    this.#isCut = true
    this.#socket.close(CLOSE_CODE, reason)
    this.#socket.pause()
    const timer = setTimeout(() => this.#socket.terminate(), CUT_MS)
    this.#socket.once("close", () => clearTimeout(timer))
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#checks.received()
    this.#takeToll(1, Buffer.isBuffer(data) ? data.length : 0)
    if (!isBinary || !Buffer.isBuffer(data)) {
      this.#close(CLOSE_CODE_UNSUPPORTED_DATA, "FRAME_MALFORMED")
      return
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return // ignore what comes after our close
    this.#traffic.receivedBytes += data.length
    // Not a Buffer: its slice() is a view where Uint8Array's is a copy.
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

  /** Unread bytes stay with their sender, by TCP's flow control (S7). Bytes read before the pause are still delivered. */
  #takeToll(frames: number, bytes: number): void {
    const delayMs = Math.max(this.#frames.take("", frames), this.#bytes.take("", bytes))
    if (this.#isCut) return
    if (delayMs === 0) {
      if (this.#socket.isPaused) this.#socket.resume()
    } else if (frames === 0 || !this.#socket.isPaused) {
      this.#socket.pause()
      setTimeout(() => this.#takeToll(0, 0), delayMs).unref()
    }
  }

  #end(reason: string): void {
    if (this.#closedBecause !== null) return
    this.#checks.stop()
    this.#closedBecause = reason
    this.#listener?.closed(reason)
  }
}
