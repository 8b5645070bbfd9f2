// A client of the protocol and nothing else: for rows with a thousand of them, where real ones would measure themselves.
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { LSN_ZERO, lsn, PROTOCOL_VERSION } from "@lf/core/internal"
import { WebSocket } from "ws"
import { ByteReader } from "../packages/core/dist/base/bytes.js"
import { chainHash } from "../packages/core/dist/base/checksum.js"
import { decodeMessage, encodeMessage, FRAME_TYPES } from "../packages/core/dist/network/codec.js"
import { mutationCodec } from "../packages/core/dist/timeline/mutation.js"

const NEXT_PART = encodeMessage({ type: "next-part" })
const PING = encodeMessage({ type: "ping" })
const UPGRADES_AT_ONCE = 50

export class RawClient {
  socket
  welcome
  /** What this client has: moved by its last part. */
  cursor = 0
  /** Called with each last part: where it leads to, and the frame. */
  onPages = () => {}
  #at = 0
  #hash = 0n
  #pushed = null
  #failure = null
  #heartbeat

  constructor(socket) {
    this.socket = socket
    socket.on("message", (data) => this.#receive(data))
    socket.on("close", (_code, reason) => this.#fail(new Error(`closed: ${reason}`)))
    socket.on("error", (error) => this.#fail(error))
    this.#heartbeat = setInterval(() => socket.send(PING), 10_000).unref()
  }

  /** `like`: the welcome of another client; this one then has what it had, and gets only what is newer. */
  static async connect(url, { docId, like = null, token = "" }) {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    const client = new RawClient(socket)
    await once(socket, "open")
    const welcome = new Promise((resolve, reject) => {
      client.#pushed = { resolve, reject }
    })
    socket.send(
      encodeMessage({
        type: "hello",
        protocol: PROTOCOL_VERSION,
        docId,
        secret: new Uint8Array(randomBytes(32)),
        epoch: like?.epoch ?? "",
        cursor: lsn(like?.lsn ?? 0),
        schema: [],
        token,
      }),
    )
    client.welcome = await welcome
    client.cursor = like?.lsn ?? 0
    return client
  }

  /** Sends the next entries of this client's timeline. Resolves when the server has them on its disk. */
  push(entries) {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const batch = { from: lsn(this.#at), previousHash: this.#hash, entries }
    this.#at += entries.length
    for (const entry of entries) this.#hash = chainHash(this.#hash, entry)
    const confirmed = lsn(batch.from)
    return new Promise((resolve, reject) => {
      this.#pushed = { resolve, reject }
      this.socket.send(encodeMessage({ type: "sync-mutations", batch, confirmed }))
    })
  }

  /** Asks for what is newer; it is asked for again whenever it came. */
  listen(onPages = () => {}) {
    this.onPages = onPages
    this.socket.send(askFrame(this.cursor))
  }

  close() {
    clearInterval(this.#heartbeat)
    this.#failure = new Error("closed")
    this.#pushed = null
    this.socket.terminate()
  }

  #receive(data) {
    const type = data[1]
    if (type === FRAME_TYPES.pages || type === FRAME_TYPES.chunk) return this.#receivePart(data, type)
    if (type === FRAME_TYPES.pong) return
    const message = decodeMessage(new Uint8Array(data))
    const waiting = this.#pushed
    this.#pushed = null
    if (message.type === "welcome") waiting?.resolve(message)
    else if (message.type === "cursor" && message.lsn === this.#at) waiting?.resolve()
    else waiting?.reject(new Error(`the server answered ${message.type} ${message.code ?? ""}`))
  }

  #receivePart(data, type) {
    const reader = new ByteReader(data.subarray(2, 40))
    reader.uint()
    const to = reader.uint()
    if (type === FRAME_TYPES.chunk) {
      reader.uint()
      reader.u64()
    }
    if (reader.u8() === 0) {
      this.socket.send(NEXT_PART)
      return
    }
    this.cursor = to
    this.socket.send(askFrame(to))
    this.onPages(to, data)
  }

  #fail(error) {
    this.#failure ??= error
    this.#pushed?.reject(error)
  }
}

let asked = { cursor: -1, frame: null }

/** A thousand clients ask for the same: it is encoded once. */
function askFrame(cursor) {
  if (asked.cursor !== cursor) {
    asked = {
      cursor,
      frame: encodeMessage({
        type: "sync-storage",
        cursor: lsn(cursor),
        outcomesSeen: LSN_ZERO,
        resumeLsn: LSN_ZERO,
        resumePages: 0,
      }),
    }
  }
  return asked.frame
}

/** `count` clients of one document that have what it has now. */
export async function connectMany(url, docId, count) {
  const first = await RawClient.connect(url, { docId })
  const clients = []
  while (clients.length < count) {
    const some = Math.min(UPGRADES_AT_ONCE, count - clients.length)
    const more = Array.from({ length: some }, () => RawClient.connect(url, { docId, like: first.welcome }))
    clients.push(...(await Promise.all(more)))
  }
  first.close()
  return clients
}

/** The entry of one mutation, as a client's journal has it. */
export function entryOf(name, args, number) {
  const uid = `00000000-0000-7000-8000-${createHash("md5").update(`${name} ${number}`).digest("hex").slice(0, 12)}`
  return mutationCodec.encode({ uid, name, args, at: Date.now() })
}
