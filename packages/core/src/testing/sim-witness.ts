import { clientIdOf } from "../base/ids.ts"
import { decodeMessage } from "../network/codec.ts"
import { FRAME_BYTES_MAX, type Hello, type ServerMessage } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { decodeRelay } from "../relay/relay-message.ts"
import type { Checkers } from "./checkers.ts"

/**
 * Listens at the server's end of a connection, and holds what leaves to what is durable by then (I3, I4, I17, I18). What a
 * dead process was still compressing leaves nowhere.
 */
export function witnessed(pipe: Pipe, checkers: Checkers, isAlive: () => boolean): Pipe {
  let hello: Hello | null = null
  return {
    send(frame) {
      if (!isAlive()) return
      if (frame.length > FRAME_BYTES_MAX) checkers.fail("I17", `the server sends a frame of ${frame.length} bytes`)
      judge(hello ?? undefined, frame, checkers)
      pipe.send(frame)
    },
    close: (reason) => pipe.close(reason),
    listen(listener) {
      pipe.listen({
        frame(frame) {
          hello ??= helloIn(frame)
          listener.frame(frame)
        },
        closed: (reason) => listener.closed(reason),
      })
    },
  }
}

/** The same at the owner's end of a relay, whose clients are another server's. */
export function witnessedRelay(pipe: Pipe, checkers: Checkers, isAlive: () => boolean): Pipe {
  const hellos = new Map<number, Hello>()
  const kept = new Map<number, Uint8Array>()
  return {
    send(bytes) {
      if (!isAlive()) return
      const message = decodeRelay(bytes)
      if (message.type === "frame") kept.set(message.kept, message.frame)
      if (message.type === "frame" || message.type === "again") {
        const frame = kept.get(message.kept)
        if (frame === undefined) checkers.fail("I17", "an owner names a frame that it has not sent")
        else for (const hello of message.clients.map((one) => hellos.get(one))) judge(hello, frame, checkers)
      }
      pipe.send(bytes)
    },
    close: (reason) => pipe.close(reason),
    listen(listener) {
      pipe.listen({
        frame(bytes) {
          const message = decodeRelay(bytes)
          if (message.type === "connect") {
            const hello = helloIn(message.hello)
            if (hello !== null) hellos.set(message.client, { ...hello, token: message.user ?? "" })
          }
          listener.frame(bytes)
        },
        closed: (reason) => listener.closed(reason),
      })
    },
  }
}

function judge(hello: Hello | undefined, frame: Uint8Array, checkers: Checkers): void {
  if (hello === undefined) return
  const { docId, secret, token } = hello
  const message = decodeMessage(frame) as ServerMessage // the server's own words
  const clientId = clientIdOf(secret)
  if (message.type === "welcome") checkers.accepted(docId, clientId, token)
  if (message.type === "cursor") checkers.acknowledged(docId, clientId, message.lsn)
  if (message.type === "refused") checkers.ended()
  if (message.type === "pages" || message.type === "chunk") checkers.sent(docId, message.to)
}

/** What a hostile client says first may be anything. */
function helloIn(frame: Uint8Array): Hello | null {
  try {
    const message = decodeMessage(frame)
    return message.type === "hello" ? message : null
  } catch {
    return null
  }
}
