// A client that sends any frame: for attackers, and for what no lf client would send.
import { once } from "node:events"
import { LSN_ZERO, loadChecksum, lsn, PROTOCOL_VERSION } from "@lf/core/internal"
import { type ClientOptions, WebSocket } from "ws"
import { chainHash } from "../../../core/src/base/checksum.ts"
import { decodeMessage, encodeMessage } from "../../../core/src/network/codec.ts"
import type { Hello, Message } from "../../../core/src/network/message.ts"
import { later } from "./fixture.ts"

export class RawClient {
  readonly socket: WebSocket
  readonly said: Message[] = []
  /** The refuse frames, as received. */
  readonly refusals: Uint8Array[] = []
  /** Resolves with the close reason. */
  readonly closed: Promise<string>
  #at = 0
  #hash = 0n

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("error", () => {})
    socket.on("message", (data: Buffer) => {
      const frame = new Uint8Array(data)
      const message = decodeMessage(frame)
      if (message.type === "refuse") this.refusals.push(frame)
      if (message.type === "welcome") [this.#at, this.#hash] = [message.clientLsn, message.clientHash]
      this.said.push(message)
    })
    this.closed = new Promise((resolve) => socket.once("close", (_code, reason) => resolve(String(reason))))
  }

  send(message: Message): void {
    this.socket.send(encodeMessage(message))
  }

  hello(change: Partial<Hello> = {}): void {
    this.send({
      type: "hello",
      protocol: PROTOCOL_VERSION,
      docId: "doc",
      secret: new Uint8Array(32).fill(7),
      epoch: "",
      cursor: LSN_ZERO,
      schema: [],
      token: "",
      ...change,
    })
  }

  /** Sends the next entries of this client's timeline, unchecked. */
  push(entries: readonly Uint8Array[]): void {
    const batch = { from: lsn(this.#at), previousHash: this.#hash, entries }
    this.#at += entries.length
    for (const entry of entries) this.#hash = chainHash(this.#hash, entry)
    this.send({ type: "sync-mutations", batch, confirmed: LSN_ZERO })
  }

  ask(cursor = 0): void {
    this.send({
      type: "sync-storage",
      cursor: lsn(cursor),
      outcomesSeen: LSN_ZERO,
      resumeLsn: LSN_ZERO,
      resumePages: 0,
    })
  }

  async receives<T extends Message["type"]>(type: T): Promise<Extract<Message, { type: T }>> {
    for (;;) {
      const found = this.said.find((message) => message.type === type)
      if (found !== undefined) return found as Extract<Message, { type: T }> // its type says so
      const end = this.closed.then((reason) => {
        throw new Error(`closed with "${reason}" before ${type}`)
      })
      await Promise.race([once(this.socket, "message"), end])
    }
  }
}

export async function rawClient(url: string, options: ClientOptions = {}): Promise<RawClient> {
  await loadChecksum()
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options })
  const client = new RawClient(socket)
  later(() => socket.terminate())
  await once(socket, "open")
  return client
}
