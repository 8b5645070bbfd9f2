import { concatBytes } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { ERROR_CODES, type ErrorCode } from "../base/error-codes.ts"
import type { Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import type { Lsn } from "../base/lsn.ts"
import { deferred } from "../base/wait.ts"
import { encodeMessage, encodeRefusal } from "../network/codec.ts"
import type { ClientMessage, RefusedRange } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { ConnectOptions, ServedClient } from "../remote/admission.ts"
import type { OnChanged, RowsAt } from "../remote/reads.ts"
import type { ServedDocument } from "../remote/served-document.ts"
import { compileQuery, type Query } from "../sqlite/sql.ts"
import { type Author, authorOf } from "../timeline/author.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { Outcome } from "../timeline/outcome.ts"
import {
  decodeRelay,
  decodeRows,
  decodeValue,
  encodeRelay,
  type FromOwner,
  type RelayedCall,
  type ToOwner,
} from "./relay-message.ts"

/** An owner that has not answered after this time is looked for again. */
const READY_MS_MAX = 1_000

export interface RelayedOptions {
  /** To the document's owner. */
  readonly pipe: Pipe
  readonly mutator: Mutator
  readonly host: Host
  /** Called once, when the owner has ended the pipe or it broke: the document is to be opened again. */
  readonly onLost?: () => void
}

interface Waiting {
  readonly parts: Uint8Array[]
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: LfError) => void
}

/**
 * A document that another server owns. Its clients' frames and this process's calls go to the owner, and the owner's frames to
 * the clients, so every law holds as for a client of the owner's own. Clients are authenticated and authorized here. But for
 * frames that others get soon nothing is kept here: when the pipe breaks, clients connect again and calls that wait fail.
 */
export class RelayedDocument implements ServedDocument {
  readonly waitingCount = 0
  readonly #options: RelayedOptions
  readonly #clients = new Map<number, Pipe>()
  /** Frames that the owner may send again to other clients. It says when they go. */
  readonly #kept = new Map<number, Uint8Array>()
  readonly #calls = new Map<number, Waiting>()
  readonly #watches = new Map<number, OnChanged>()
  #lastNumber = 0
  readonly #ready = deferred<boolean>()
  #isReady = false
  #isOver = false

  private constructor(options: RelayedOptions) {
    this.#options = options
    options.pipe.listen({
      frame: (frame) => this.#take(frame),
      closed: () => this.#end(),
    })
  }

  /** Resolves when the owner says that it has the document open. @throws LOG_OWNED when it does not in time */
  static async over(options: RelayedOptions): Promise<RelayedDocument> {
    const relayed = new RelayedDocument(options)
    const cancel = options.host.after(READY_MS_MAX, () => relayed.#end())
    const isReady = await relayed.#ready.promise
    cancel()
    if (isReady) return relayed
    throw new LfError("LOG_OWNED", "another server has the document and does not answer")
  }

  connect({ pipe, hello, rights }: ConnectOptions): ServedClient {
    if (this.#isOver) throw lost()
    const client = ++this.#lastNumber
    const { user } = rights
    const authorNow = () => rights.author ?? authorOf(user)
    let author = authorNow()
    this.#clients.set(client, pipe)
    this.#send({ type: "connect", client, hello: encodeMessage({ ...hello, token: "" }), author, user })
    const clients = this.#clients
    const request = (message: ClientMessage, refused: readonly RefusedRange[] = []) => {
      const isSame = authorNow() === author
      author = authorNow()
      const frame = encodeMessage(message)
      this.#send({ type: "request", client, author: isSame ? undefined : author, refused, frame })
    }
    return {
      get isServed() {
        return clients.has(client)
      },
      request,
      sendPart: () => {
        request({ type: "next-part" })
        return undefined
      },
      setPresence: request,
      watchPresences: request,
      leave: () => {
        if (clients.delete(client)) this.#send({ type: "leave", client })
      },
    }
  }

  isMutation(name: string): boolean {
    return this.#options.mutator.has(name)
  }

  /** Resolves when the owner is there: a client that is given to one which is gone would wait for nothing. @throws DOC_STOPPED */
  async confirm(): Promise<void> {
    await this.position()
  }

  async position(): Promise<Lsn> {
    return decodeValue(await this.#call({ type: "position" })) as Lsn // what the owner's `position` gave
  }

  async readAt<R>(query: Query<R>, onChanged?: OnChanged): Promise<RowsAt<R>> {
    const { sql, parameters } = compileQuery(query)
    const call = ++this.#lastNumber
    if (onChanged !== undefined) this.#watches.set(call, onChanged)
    const stop = () => {
      if (this.#watches.delete(call)) this.#send({ type: "stop", call })
    }
    try {
      const isWatched = onChanged !== undefined
      const answer = decodeRows(await this.#call({ type: "read", sql, parameters, isWatched }, call))
      return { rows: answer.rows as R[], lsn: answer.lsn, stop } // the author's assertion about the rows
    } catch (error) {
      stop()
      throw error
    }
  }

  async mutate(name: string, args: unknown, author: Author, uid = this.#newUid()): Promise<Outcome> {
    return decodeValue(await this.#call({ type: "mutate", name, args, author, uid })) as Outcome // what the owner's gave
  }

  /** Deletes the document at its owner. @throws as the owner's deletion */
  async delete(): Promise<void> {
    await this.#call({ type: "delete" })
  }

  async close(code?: ErrorCode): Promise<void> {
    this.#end(code)
  }

  #newUid(): string {
    const { host } = this.#options
    return uuidV7(host.nowMs(), host.randomBytes(10))
  }

  async #call(asked: RelayedCall, call = ++this.#lastNumber): Promise<Uint8Array> {
    if (this.#isOver) throw lost()
    const message = encodeRelay({ type: "call", call, asked })
    return await new Promise((resolve, reject) => {
      this.#calls.set(call, { parts: [], resolve, reject })
      this.#options.pipe.send(message)
    })
  }

  #send(message: ToOwner): void {
    if (!this.#isOver) this.#options.pipe.send(encodeRelay(message))
  }

  #take(frame: Uint8Array): void {
    try {
      this.#handle(decodeRelay(frame) as FromOwner) // what a server sends to an owner is handled as nothing
    } catch {
      // A server of another version, for one.
      this.#end()
    }
  }

  #handle(message: FromOwner): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true
        this.#ready.resolve(true)
        return
      case "frame":
        if (message.kept !== 0) this.#kept.set(message.kept, message.frame)
        this.#sendTo(message.clients, message.frame)
        return
      case "again": {
        const frame = this.#kept.get(message.kept)
        if (frame === undefined) throw new LfError("BYTES_MALFORMED", "expected a frame that is kept, got another")
        this.#sendTo(message.clients, frame)
        return
      }
      case "forget":
        for (const number of message.kept) this.#kept.delete(number)
        return
      case "closed": {
        const pipe = this.#clients.get(message.client)
        this.#clients.delete(message.client)
        pipe?.close(message.reason)
        return
      }
      case "answer": {
        const waiting = this.#calls.get(message.call)
        waiting?.parts.push(message.bytes)
        if (!message.isLast || waiting === undefined) return
        this.#calls.delete(message.call)
        waiting.resolve(waiting.parts.length === 1 ? waiting.parts[0] : concatBytes(waiting.parts))
        return
      }
      case "failure": {
        const { call, code, message: text } = message
        this.#calls.get(call)?.reject(new LfError(code as ErrorCode, text)) // the owner's own error
        this.#calls.delete(call)
        return
      }
      case "changed": {
        const onChanged = this.#watches.get(message.call)
        this.#watches.delete(message.call)
        onChanged?.()
        return
      }
    }
  }

  #sendTo(clients: readonly number[], frame: Uint8Array): void {
    for (const client of clients) this.#clients.get(client)?.send(frame)
  }

  #end(code: ErrorCode = "SERVER_CLOSING"): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#kept.clear()
    this.#ready.resolve(false)
    this.#options.pipe.close(code)
    const refusal = encodeRefusal({ code, message: ERROR_CODES[code] })
    for (const pipe of this.#clients.values()) {
      pipe.send(refusal)
      pipe.close(code)
    }
    this.#clients.clear()
    for (const { reject } of this.#calls.values()) reject(lost())
    this.#calls.clear()
    // What was read may have changed since.
    for (const onChanged of [...this.#watches.values()]) onChanged()
    this.#watches.clear()
    if (this.#isReady) this.#options.onLost?.()
  }
}

function lost(): LfError {
  return new LfError("DOC_STOPPED", "the document went to another server meanwhile; what was under way may be durable")
}
