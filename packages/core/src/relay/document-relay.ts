import { isLfError, LfError, toLfError } from "../base/error.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import type { Cancel, Host } from "../base/host.ts"
import { Sequence } from "../base/wait.ts"
import { decodeMessage, encodeRefusal } from "../network/codec.ts"
import { type Hello, PART_BYTES_MAX, type RefusedRange } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { ServedClient } from "../remote/admission.ts"
import { refusedRanges } from "../remote/refused-ranges.ts"
import type { Rights } from "../remote/rights.ts"
import type { ServedDocument } from "../remote/served-document.ts"
import type { Row } from "../sqlite/statement.ts"
import type { Author } from "../timeline/author.ts"
import { decodeRelay, encodeRelay, encodeRows, encodeValue, type FromOwner, type ToOwner } from "./relay-message.ts"
import { SharedFrames } from "./shared-frames.ts"

export interface DocumentRelayOptions {
  readonly host: Pick<Host, "after" | "monotonicMs">
  readonly owned: ServedDocument
  /** To a server that has clients of the document. */
  readonly pipe: Pipe
  /** Throws when this server does not own the document any more; asked before anything is shown (I8). */
  readonly confirm: () => Promise<void>
  /** Deletes the document for good. */
  readonly remove: () => Promise<void>
  /** Called once, when the pipe has ended. */
  readonly onEnd: () => void
}

interface Seat {
  readonly served: ServedClient
  readonly rights: { user: string | null; author: Author }
}

/** The owner's end of a relay: serves another server's clients and calls from a document of this one's. */
export class DocumentRelay {
  readonly #options: DocumentRelayOptions
  readonly #seats = new Map<number, Seat>()
  readonly #frames: SharedFrames
  readonly #watches = new Map<number, Cancel>()
  readonly #answers = new Set<Promise<void>>()
  /** Requests are handled in the order in which they came, though a connection waits for `confirm`. */
  readonly #order = new Sequence()
  #isOver = false

  constructor(options: DocumentRelayOptions) {
    this.#options = options
    this.#frames = new SharedFrames(options.host, (message) => options.pipe.send(encodeRelay(message)))
    options.pipe.listen({
      frame: (frame) => void this.#order.run(() => this.#take(frame)),
      closed: () => this.#end(),
    })
    this.#send({ type: "ready" })
  }

  /** Closes the pipe when the calls under way are answered: the other server's clients connect again. */
  async close(): Promise<void> {
    while (this.#answers.size > 0) await Promise.all(this.#answers)
    this.#frames.flush()
    this.#options.pipe.close("SERVER_CLOSING")
    this.#end()
  }

  async #take(frame: Uint8Array): Promise<void> {
    if (this.#isOver) return
    try {
      await this.#handle(decodeRelay(frame) as ToOwner) // what an owner sends is handled as nothing
    } catch {
      // Another version, or the document is another server's by now.
      this.#options.pipe.close("SERVER_CLOSING")
      this.#end()
    }
  }

  async #handle(message: ToOwner): Promise<void> {
    switch (message.type) {
      case "connect":
        await this.#options.confirm()
        if (!this.#isOver) this.#connect(message)
        return
      case "request":
        await this.#request(message)
        return
      case "leave":
        this.#seats.get(message.client)?.served.leave()
        this.#seats.delete(message.client)
        return
      case "call":
        await this.#options.confirm()
        this.#begin(message)
        return
      case "stop":
        this.#watches.get(message.call)?.()
        this.#watches.delete(message.call)
        return
    }
  }

  #connect({ client, hello, user, author }: ToOwner & { type: "connect" }): void {
    const pipe = this.#pipeOf(client)
    const rights = { user, author } satisfies Rights
    try {
      const served = this.#options.owned.connect({ pipe, hello: decodeMessage(hello) as Hello, rights })
      this.#seats.set(client, { served, rights })
    } catch (error) {
      refuse(pipe, toLfError(error, "DOC_STOPPED"))
    }
  }

  /** What the owner says to a client of the other server. */
  #pipeOf(client: number): Pipe {
    return {
      send: (frame) => {
        if (!this.#isOver) this.#frames.add(client, frame)
      },
      close: (reason) => {
        this.#seats.delete(client)
        this.#send({ type: "closed", client, reason })
      },
      listen: () => {},
    }
  }

  async #request({ client, author, refused, frame }: ToOwner & { type: "request" }): Promise<void> {
    const seat = this.#seats.get(client)
    if (seat === undefined) return
    const { served, rights } = seat
    if (author !== undefined) rights.author = author
    const message = decodeMessage(frame)
    switch (message.type) {
      case "sync-mutations": {
        // One of the two runs an older release: the client keeps the mutation, and connects again until they agree.
        const isMutation = (name: string) => this.#options.owned.isMutation(name)
        if (!isSame(await refusedRanges(message.batch, { isMutation }), refused.filter(isUnfit))) {
          served.leave()
          refuse(this.#pipeOf(client), { code: "SERVER_OLDER", message: ERROR_CODES.SERVER_OLDER })
          return
        }
        served.request(message, refused)
        return
      }
      case "sync-storage":
        served.request(message, refused)
        return
      case "next-part":
        void served.sendPart()
        return
      case "presence":
        served.setPresence(message)
        return
      case "watch-presences":
        served.watchPresences(message)
        return
      default:
        throw new LfError("BYTES_MALFORMED", `expected a client's request, got a \`${message.type}\``)
    }
  }

  #begin(message: ToOwner & { type: "call" }): void {
    const answer = this.#answer(message).finally(() => this.#answers.delete(answer))
    this.#answers.add(answer)
  }

  async #answer({ call, asked }: ToOwner & { type: "call" }): Promise<void> {
    const { owned, remove } = this.#options
    try {
      switch (asked.type) {
        case "read": {
          const onChanged = asked.isWatched ? () => this.#changed(call) : undefined
          const query = { sql: asked.sql, parameters: asked.parameters as Row[string][] } // compiled by the sender
          const { rows, lsn, stop } = await owned.readAt<Row>(query, onChanged)
          if (this.#isOver) stop()
          else if (asked.isWatched) this.#watches.set(call, stop)
          this.#sendAnswer(call, encodeRows(rows, lsn))
          return
        }
        case "position":
          this.#sendAnswer(call, encodeValue(await owned.position()))
          return
        case "mutate":
          this.#sendAnswer(call, encodeValue(await owned.mutate(asked.name, asked.args, asked.author, asked.uid)))
          return
        case "delete":
          await remove()
          this.#sendAnswer(call, encodeValue(null))
      }
    } catch (error) {
      // Any other error may contain secrets (S16).
      const { code, message } = isLfError(error) ? error : new LfError("DOC_STOPPED", ERROR_CODES.DOC_STOPPED)
      this.#send({ type: "failure", call, code, message })
    }
  }

  #changed(call: number): void {
    this.#watches.delete(call)
    this.#send({ type: "changed", call })
  }

  #sendAnswer(call: number, bytes: Uint8Array): void {
    let at = 0
    do {
      const part = bytes.subarray(at, at + PART_BYTES_MAX)
      at += part.length
      this.#send({ type: "answer", call, isLast: at >= bytes.length, bytes: part })
    } while (at < bytes.length)
  }

  #send(message: FromOwner): void {
    if (this.#isOver) return
    this.#frames.flush()
    this.#options.pipe.send(encodeRelay(message))
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#frames.end()
    for (const { served } of this.#seats.values()) served.leave()
    this.#seats.clear()
    for (const stop of this.#watches.values()) stop()
    this.#watches.clear()
    this.#options.onEnd()
  }
}

function refuse(pipe: Pipe, { code, message }: { readonly code: string; readonly message: string }): void {
  pipe.send(encodeRefusal({ code, message }))
  pipe.close(code)
}

/** Refused for what it is, not for who sends it. */
function isUnfit({ code }: RefusedRange): boolean {
  return code !== "MUTATION_FORBIDDEN"
}

function isSame(a: readonly RefusedRange[], b: readonly RefusedRange[]): boolean {
  return a.length === b.length && a.every(({ from, to }, i) => from === b[i].from && to === b[i].to)
}
