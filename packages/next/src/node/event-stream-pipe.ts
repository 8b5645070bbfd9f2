import type { ServerResponse } from "node:http"
import { FrameAssembler, type Pipe, type PipeListener, type Send } from "@lf/core/internal"
import type { IntakeShare } from "../limits/connection-quotas.ts"
import type { RateLimiter } from "../limits/rate-limiter.ts"
import { traffic } from "../process/traffic.ts"
import { PipeChecks, type PipeLimits, rate } from "./pipe-limits.ts"

/** How long a closed stream has to be read to its end. */
const CLOSE_MS_MAX = 2_000
/** Neither may keep or hold back what is sent: caches, and nginx. */
const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
}

/**
 * The server's end of a connection without a WebSocket: what is sent goes out as server-sent events of one response, what is
 * received comes with POST requests. The first event names the stream for them.
 */
export class EventStreamPipe implements Pipe {
  readonly #response: ServerResponse
  readonly #limits: PipeLimits
  readonly #share: IntakeShare
  readonly #checks: PipeChecks
  readonly #frames: RateLimiter
  readonly #bytes: RateLimiter
  readonly #assembler = new FrameAssembler()
  readonly #traffic = traffic()
  readonly #early: Uint8Array[] = []
  #listener: PipeListener | null = null
  #closedBecause: string | null = null
  /** The number of the next send. */
  #next = 0
  #isReceiving = false
  /** Of a client that was not welcomed yet. */
  #helloBytes = 0
  #isWelcome = false

  constructor(response: ServerResponse, { limits, share }: { limits: PipeLimits; share: IntakeShare }) {
    this.#response = response
    this.#limits = limits
    this.#share = share
    this.#frames = rate(limits.framesPerSecond)
    this.#bytes = rate(limits.bytesPerSecond)
    this.#checks = new PipeChecks({
      limits,
      unreadBytes: () => this.unreadBytes,
      end: () => response.destroy(),
    })
    response.on("close", () => this.#end("the stream was closed"))
    response.on("error", () => {}) // "close" follows
  }

  /** Begins the response. Called once, first. */
  open(key: string, headers: Readonly<Record<string, string>>): void {
    this.#response.writeHead(200, { ...headers, ...HEADERS })
    this.#write(`event: open\ndata: ${key}\n\n`)
  }

  /** Bytes sent that wait in this process for the other end to read. */
  get unreadBytes(): number {
    return this.#response.writableLength
  }

  send(frame: Uint8Array): void {
    if (this.#isOver) return
    const { buffer, byteOffset, length } = frame
    this.#write(`data: ${Buffer.from(buffer, byteOffset, length).toString("base64")}\n\n`)
    this.#traffic.sentBytes += length
    // It requested more than it reads, which no lf client does.
    if (this.unreadBytes > this.#limits.unreadBytesMax) this.#response.destroy()
  }

  close(reason: string): void {
    if (this.#isOver) return
    this.#write(`event: close\ndata: ${reason.replaceAll(/\s+/g, " ")}\n\n`)
    this.#response.end()
    const timer = setTimeout(() => this.#response.destroy(), CLOSE_MS_MAX).unref()
    this.#response.once("close", () => clearTimeout(timer))
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    for (const frame of this.#early.splice(0)) listener.frame(frame)
    if (this.#closedBecause !== null) listener.closed(this.#closedBecause)
  }

  /** Called at the welcome: from now on rates limit what the other end sends. */
  welcomed(): void {
    this.#isWelcome = true
  }

  /**
   * Takes the frames of one send, at the pace of the limits. False: the stream has ended, or the send is not the one that was to
   * come, which ends it.
   */
  async receive({ number, bytes }: Omit<Send, "key">): Promise<boolean> {
    if (this.#isOver) return false
    if (number !== this.#next || this.#isReceiving) {
      this.close("FRAME_MALFORMED")
      return false
    }
    this.#next++
    this.#checks.received()
    this.#helloBytes += bytes.length
    if (!this.#isWelcome && this.#helloBytes > this.#limits.helloBytesMax) {
      this.close("RATE_LIMITED")
      return false
    }
    this.#isReceiving = true
    try {
      return await this.#take(bytes)
    } catch {
      this.close("FRAME_TOO_LARGE")
      return false
    } finally {
      this.#isReceiving = false
    }
  }

  /** @throws FRAME_TOO_LARGE */
  async #take(bytes: Uint8Array): Promise<boolean> {
    const frames = this.#assembler.take(bytes)
    this.#share.hold(this.#assembler.heldBytes)
    this.#traffic.receivedBytes += bytes.length
    for (const frame of frames) {
      if (this.#isOver) return false
      if (this.#listener === null) this.#early.push(frame)
      else this.#listener.frame(frame)
      // One frame of a client, then the others' turn.
      if (frames.length > 1) await new Promise(setImmediate)
    }
    const delayMs = Math.max(this.#frames.take("", frames.length), this.#bytes.take("", bytes.length))
    // What is not answered yet keeps the client from sending more.
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs).unref())
    return !this.#isOver
  }

  get #isOver(): boolean {
    return this.#closedBecause !== null || this.#response.writableEnded
  }

  #write(text: string): void {
    this.#response.write(text)
  }

  #end(reason: string): void {
    if (this.#closedBecause !== null) return
    this.#checks.stop()
    this.#share.leave()
    this.#closedBecause = reason
    this.#listener?.closed(reason)
  }
}
