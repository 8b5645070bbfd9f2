import { bytesEqual } from "../base/bytes.ts"
import { isLfError, LfError } from "../base/error.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import type { Cancel, Host } from "../base/host.ts"
import { checkDocId } from "../base/ids.ts"
import { LSN_ZERO } from "../base/lsn.ts"
import { decodeMessage, encodeMessage, encodeRefusal } from "../network/codec.ts"
import { FRAME_BYTES_MAX, type Hello, PROTOCOL_VERSION } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { Admission, OpenDocument, ServedClient } from "./admission.ts"
import { refusedRanges } from "./refused-ranges.ts"
import type { Rights } from "./rights.ts"

/** A connection without a hello after this time is closed (S7). */
export const HANDSHAKE_MS_MAX = 10_000
/** The most frames, and their bytes, that wait while a client is admitted: our clients send none. */
const EARLY_FRAMES_MAX = 16
const EARLY_BYTES_MAX = 64 * 1024
/** The most frames of an open connection that wait to be handled; one more closes it (I17). */
const INBOX_FRAMES_MAX = 64
/** The most bytes of those frames: a client has one push under way, at most half a frame. */
const INBOX_BYTES_MAX = 2 * FRAME_BYTES_MAX
const PING = encodeMessage({ type: "ping" })
const PONG = encodeMessage({ type: "pong" })

type State =
  /** No frame was received. `cancel` stops the timer for the hello. */
  | { readonly type: "awaiting-hello"; readonly cancel: Cancel }
  /** `Admission` decides about the hello. */
  | { readonly type: "admitting" }
  | {
      readonly type: "open"
      readonly client: ServedClient
      readonly pipe: Pipe
      readonly rights: Rights
      readonly opened: OpenDocument
    }
  | { readonly type: "closed" }

/**
 * One connection of a client at the server, over any `Pipe`: handshake, admission, one inbox, and the end. Frames are handled
 * one after the other, so a slow `authorize` delays only its own connection. A ping is the client's heartbeat and is
 * answered at once.
 */
export class ClientConnection<R extends Rights> {
  readonly #pipe: Pipe
  readonly #admission: Admission<R>
  readonly #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #isDraining = false
  #state: State

  constructor(options: { pipe: Pipe; host: Host; admission: Admission<R>; helloMsMax?: number }) {
    const { pipe, host, admission, helloMsMax = HANDSHAKE_MS_MAX } = options
    this.#pipe = pipe
    this.#admission = admission
    const late = () => this.#end(() => pipe.close("no hello"))
    this.#state = { type: "awaiting-hello", cancel: host.after(helloMsMax, late) }
    pipe.listen({ frame: (frame) => this.#take(frame), closed: () => this.#end() })
  }

  get state(): State["type"] {
    return this.#state.type
  }

  /** Closes the connection without a refusal: its client comes back at once and is asked again. No frame that waits is handled. */
  close(code: string): void {
    this.#end(() => this.#pipe.close(code))
  }

  #take(frame: Uint8Array): void {
    const state = this.#state
    if (state.type === "closed") return
    if (state.type === "awaiting-hello") {
      state.cancel()
      this.#state = { type: "admitting" }
      void this.#admit(frame)
      return
    }
    // Answered ahead of waiting frames: a client whose pings are not answered drops the connection.
    if (state.type === "open" && bytesEqual(frame, PING)) {
      state.pipe.send(PONG)
      return
    }
    this.#inbox.push(frame)
    this.#inboxBytes += frame.length
    if (this.#isOverfull(state.type === "open")) {
      this.#refuse(
        new LfError(
          "RATE_LIMITED",
          `expected fewer frames to wait, got ${this.#inbox.length} of ${this.#inboxBytes} bytes`,
        ),
      )
    } else if (state.type === "open") void this.#drain()
  }

  #isOverfull(isOpen: boolean): boolean {
    const [framesMax, bytesMax] = isOpen ? [INBOX_FRAMES_MAX, INBOX_BYTES_MAX] : [EARLY_FRAMES_MAX, EARLY_BYTES_MAX]
    return this.#inbox.length > framesMax || this.#inboxBytes > bytesMax
  }

  /** Authenticates, authorizes, then opens the document: nothing is opened before (S2, S3). */
  async #admit(frame: Uint8Array): Promise<void> {
    let opened: OpenDocument | null = null
    try {
      const hello = helloOf(frame)
      const rights = await this.#admission.authorize(hello)
      opened = await this.#admission.openDocument(hello, rights)
      if (this.#state.type !== "admitting") return opened.release()
      const pipe = opened.pipe ?? this.#pipe
      const client = opened.remote.connect({ pipe, hello, rights })
      this.#state = { type: "open", client, pipe, rights, opened }
      opened.welcomed?.()
      await this.#drain()
    } catch (error) {
      // An open connection gives its document back when it ends.
      if (this.#state.type !== "open") opened?.release()
      this.#refuse(error)
    }
  }

  async #drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      for (let frame = this.#inbox.shift(); frame !== undefined; frame = this.#inbox.shift()) {
        this.#inboxBytes -= frame.length
        await this.#handle(frame)
      }
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#isDraining = false
    }
  }

  async #handle(frame: Uint8Array): Promise<void> {
    if (this.#state.type !== "open") return
    const { client, pipe, opened, rights } = this.#state
    const { remote, pace } = opened
    if (!client.isServed) return
    // One that came while the client was admitted: it waits with its timer already.
    if (bytesEqual(frame, PING)) return pipe.send(PONG)
    const message = decodeMessage(frame)
    switch (message.type) {
      case "next-part":
        await pace?.pages()
        if (client.isServed) await client.sendPart()
        return
      case "sync-mutations": {
        await pace?.mutations(message.batch.entries.length)
        const refused = await refusedRanges(message.batch, {
          mayWrite: rights.mayWrite,
          isMutation: (name) => remote.isMutation(name),
        })
        // A connection that was closed meanwhile may have lost its rights.
        if (client.isServed) client.request(message, refused)
        return
      }
      case "sync-storage":
        if (pace !== undefined) await (message.cursor === LSN_ZERO ? pace.pages() : pace.news())
        if (client.isServed) client.request(message, [])
        return
      case "presence":
        client.setPresence(message)
        return
      case "watch-presences":
        client.watchPresences(message)
        return
      default:
        throw new LfError("FRAME_MALFORMED", `expected a request after the welcome, got a \`${message.type}\``)
    }
  }

  /** Sends only an LfError's message: any other error may contain secrets (S16). */
  #refuse(error: unknown): void {
    const { code, message } = isLfError(error) ? error : new LfError("DOC_STOPPED", ERROR_CODES.DOC_STOPPED)
    this.#end(() => {
      this.#pipe.send(encodeRefusal({ code, message }))
      this.#pipe.close(code)
    })
  }

  /** Releases what the connection held, once. `say` runs only when it was not closed before. */
  #end(say: () => void = () => {}): void {
    const state = this.#state
    if (state.type === "closed") return
    this.#state = { type: "closed" }
    this.#inbox.length = 0
    if (state.type === "awaiting-hello") state.cancel()
    if (state.type === "open") state.client.leave()
    try {
      say()
    } finally {
      if (state.type === "open") state.opened.release()
    }
  }
}

/** @throws FRAME_MALFORMED FRAME_TOO_LARGE PROTOCOL_NEWER SERVER_OLDER DOC_ID_INVALID */
function helloOf(frame: Uint8Array): Hello {
  const message = decodeMessage(frame)
  if (message.type !== "hello")
    throw new LfError("FRAME_MALFORMED", `expected a hello as the first frame, got a \`${message.type}\``)
  if (message.protocol > PROTOCOL_VERSION)
    throw new LfError("SERVER_OLDER", `the server speaks protocol ${PROTOCOL_VERSION}, this page ${message.protocol}`)
  if (message.protocol < PROTOCOL_VERSION)
    throw new LfError("PROTOCOL_NEWER", `the server speaks protocol ${PROTOCOL_VERSION}, this page ${message.protocol}`)
  checkDocId(message.docId)
  return message
}
