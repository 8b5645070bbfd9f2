import { bytesEqual } from "../base/bytes.ts"
import { isLfError, LfError } from "../base/error.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import { LSN_ZERO } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { FRAME_BYTES_MAX, type RefusedRange, type SyncMutations, type SyncStorage } from "../network/message.ts"
import type { PipeListener } from "../network/network.ts"
import type { Peer } from "./peer.ts"
import { type MayWrite, refusedRanges } from "./refused-ranges.ts"

/** Frames of one connection that wait to be handled; more close it (I17). */
const INBOX_FRAMES_MAX = 64
/** And their bytes: a client has one push under way, which is half a frame at the most. */
const INBOX_BYTES_MAX = 2 * FRAME_BYTES_MAX
const PING = encodeMessage({ type: "ping" })

/** What reaches the document's loop; everything else is answered at the door. */
export type SyncMessage = SyncMutations | SyncStorage

/** How fast a visitor's requests are taken: whoever asks for more than its share waits, and is refused nothing (S7). */
export interface Pace {
  /** Before a batch of so many mutations is taken. Undefined: at once. */
  mutations(count: number): Promise<void> | undefined
  /** Before a part of a long page batch is made. */
  pages(): Promise<void>
  /** Before a reader that has a base is told what is newer. Undefined: at once. */
  news(): Promise<void> | undefined
}

export interface PeerListenerOptions {
  readonly peer: Peer
  readonly mayWrite: MayWrite | undefined
  /** Whether the app has a mutation of this name. */
  readonly isMutation: (name: string) => boolean
  readonly pace: Pace | undefined
  isIn(): boolean
  leave(): void
  enqueue(message: SyncMessage, refused: readonly RefusedRange[]): void
}

/** A connection's frames, one after the other: a slow `authorize` keeps only its own connection waiting. */
export function peerListener(options: PeerListenerOptions): PipeListener {
  const { peer, isIn, leave } = options
  let last = Promise.resolve()
  let waiting = 0
  let waitingBytes = 0
  return {
    frame(frame) {
      if (!isIn()) return
      // Answered past what waits, or a client that is kept waiting would take us for gone.
      if (bytesEqual(frame, PING)) {
        peer.send({ type: "pong" })
        return
      }
      waiting++
      waitingBytes += frame.length
      if (waiting > INBOX_FRAMES_MAX || waitingBytes > INBOX_BYTES_MAX) {
        leave()
        peer.refuse("RATE_LIMITED", "too many frames wait to be handled")
        return
      }
      last = last.then(async () => {
        waiting--
        waitingBytes -= frame.length
        if (!isIn()) return
        try {
          await admit(options, frame)
        } catch (error) {
          // Only our own words leave the server: somebody else's error may say anything (S16).
          const { code, message } = isLfError(error) ? error : new LfError("DOC_STOPPED", ERROR_CODES.DOC_STOPPED)
          leave()
          peer.refuse(code, message)
        }
      })
    },
    closed: leave,
  }
}

async function admit(options: PeerListenerOptions, frame: Uint8Array): Promise<void> {
  const { peer, pace, isIn, enqueue } = options
  const message = decodeMessage(frame)
  switch (message.type) {
    case "next-part":
      await pace?.pages()
      if (isIn()) peer.sendPart()
      return
    case "sync-mutations":
      await pace?.mutations(message.batch.entries.length)
      enqueue(message, await refusedRanges(message.batch, options))
      return
    case "sync-storage":
      if (pace !== undefined) await (message.cursor === LSN_ZERO ? pace.pages() : pace.news())
      enqueue(message, [])
      return
    default:
      throw new LfError("FRAME_MALFORMED", `${message.type} is not for a server that said welcome`)
  }
}
