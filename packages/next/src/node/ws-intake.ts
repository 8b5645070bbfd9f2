import type { Duplex } from "node:stream"
import type { Cancel } from "@lf/core/internal"
import type { IntakeShare } from "../limits/connection-quotas.ts"
import { FrameMeter } from "./frame-meter.ts"

/** So many more bytes of one message count as activity; fewer within `idleMsMax` do not (S20). */
export const PROGRESS_BYTES = 64 * 1024

export interface IntakeOptions {
  /** The stream below the WebSocket: ws reads it too. */
  readonly socket: Duplex
  readonly share: IntakeShare
  readonly helloBytesMax: number
  /** A long message is slow but arrives. */
  progressed(): void
  /** Over `helloBytesMax` before the welcome. */
  tooMuch(): void
}

/** Counts a connection's incoming bytes before they are frames (S7, S20). Returns what a welcome changes. */
export function countIntake(options: IntakeOptions): { welcomed(): void; stop: Cancel } {
  const { socket, share } = options
  const meter = new FrameMeter()
  let helloBytes = 0
  let pieces = 0
  let progressAt = 0
  let isWelcome = false
  const take = (chunk: Uint8Array) => {
    meter.take(chunk)
    share.hold(meter.heldBytes)
    if (meter.messageBytes < progressAt) progressAt = 0
    if (meter.messageBytes >= progressAt + PROGRESS_BYTES) {
      progressAt = meter.messageBytes
      options.progressed()
    }
    if (isWelcome) return
    helloBytes += chunk.length
    pieces++
    if (helloBytes > options.helloBytesMax || pieces > HELLO_PIECES_MAX) options.tooMuch()
  }
  socket.on("data", take)
  return {
    welcomed() {
      isWelcome = true
    },
    stop() {
      socket.off("data", take)
      share.leave()
    },
  }
}

/** TCP splits a hello into at most 46 segments, TLS and proxies into some more. */
const HELLO_PIECES_MAX = 1_024
