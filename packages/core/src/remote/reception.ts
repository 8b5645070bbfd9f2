import { LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { isDocId } from "../base/ids.ts"
import { decodeMessage, encodeRefusal } from "../network/codec.ts"
import { type Hello, PROTOCOL_VERSION } from "../network/message.ts"
import type { Pipe, PipeListener } from "../network/network.ts"

/** A connection that has not said hello by then is closed (S7). */
export const HANDSHAKE_MS_MAX = 10_000
/** Frames that may follow the hello before it was answered, and their bytes: our clients send none. */
const EARLY_FRAMES_MAX = 16
const EARLY_BYTES_MAX = 64 * 1024

/**
 * Meets a new connection: waits for its hello, asks `admit` who may come in, and hands everything after it over.
 * `admit` throws an `LfError` to refuse; nothing is opened and no disk is touched before it was asked.
 */
export function receive(
  pipe: Pipe,
  host: Host,
  admit: (hello: Hello) => Promise<PipeListener>,
  helloMsMax = HANDSHAKE_MS_MAX,
): void {
  const early: Uint8Array[] = []
  let earlyBytes = 0
  let inside: PipeListener | null = null
  let isGreeted = false
  let closedBecause: string | null = null

  const refuse = (error: unknown) => {
    const refusal = toLfError(error, "DOC_STOPPED")
    pipe.send(encodeRefusal(refusal))
    pipe.close(refusal.code)
  }
  const cancel = host.after(helloMsMax, () => pipe.close("no hello"))
  const greet = async (frame: Uint8Array) => {
    try {
      const listener = await admit(helloOf(frame))
      inside = listener
      for (const waiting of early.splice(0)) listener.frame(waiting)
      if (closedBecause !== null) listener.closed(closedBecause)
    } catch (error) {
      refuse(error)
    }
  }
  pipe.listen({
    frame(frame) {
      if (inside !== null) inside.frame(frame)
      else if (isGreeted) {
        earlyBytes += frame.length
        if (early.length < EARLY_FRAMES_MAX && earlyBytes <= EARLY_BYTES_MAX) early.push(frame)
        else refuse(new LfError("RATE_LIMITED", "too many frames before the welcome"))
      } else {
        isGreeted = true
        cancel()
        void greet(frame)
      }
    },
    closed(reason) {
      cancel()
      closedBecause = reason
      inside?.closed(reason)
    },
  })
}

/** @throws FRAME_MALFORMED FRAME_TOO_LARGE PROTOCOL_NEWER SERVER_OLDER DOC_ID_INVALID */
function helloOf(frame: Uint8Array): Hello {
  const message = decodeMessage(frame)
  if (message.type !== "hello") throw new LfError("FRAME_MALFORMED", "the first frame is a hello")
  if (message.protocol > PROTOCOL_VERSION)
    throw new LfError("SERVER_OLDER", `the server speaks protocol ${PROTOCOL_VERSION}, this page ${message.protocol}`)
  if (message.protocol < PROTOCOL_VERSION)
    throw new LfError("PROTOCOL_NEWER", `the server speaks protocol ${PROTOCOL_VERSION}, this page ${message.protocol}`)
  if (!isDocId(message.docId)) throw new LfError("DOC_ID_INVALID", "no document can have this id")
  return message
}
