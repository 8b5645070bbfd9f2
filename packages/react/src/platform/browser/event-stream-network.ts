import { LfError } from "@lf/core"
import {
  concatBytes,
  encodeSend,
  FRAME_BYTES_MAX,
  lengthPrefixed,
  type Network,
  type Pipe,
  type PipeListener,
  SEND_BYTES_MAX,
} from "@lf/core/internal"
import { createParser, type EventSourceMessage } from "eventsource-parser"
import { errorName } from "./browser-storage.ts"
import { jsonOf, refusalOf, unreachable } from "./route-answers.ts"

/** How long a stream's first event may take: a proxy that holds responses back never passes it on. */
const STREAM_MS_MAX = 10_000
const SEND_MS_MAX = 30_000
/** Of an event: a frame in base64, with the lines around it. */
const EVENT_CHARS_MAX = Math.ceil(FRAME_BYTES_MAX / 3) * 4 + 1_024
/**
 * Streams that are open at once to a server without HTTP/2: a browser has six connections to it, which pages and their requests
 * need as well.
 */
export const STREAMS_MAX = 3

/** Open streams, by the server's origin. */
const openCounts = new Map<string, number>()

/**
 * Connects to a server over plain HTTP: its frames are the events of one response, this end's are POST requests, one after the
 * other. For networks in which no WebSocket opens.
 *
 * `connect` rejects with UPGRADE_BLOCKED when no event comes or STREAMS_MAX are open, with SERVER_UNREACHABLE, or with the code
 * that the server answered.
 */
export function eventStreamNetwork(url: string): Network {
  return {
    async connect() {
      const leave = enter(url)
      const abort = new AbortController()
      const timer = setTimeout(() => abort.abort(), STREAM_MS_MAX)
      try {
        const events = new EventReader(await responseOf(url, abort.signal))
        const first = await events.next()
        if (first?.event !== "open") throw blocked(url, "the stream began with something else than its name")
        return new EventStreamPipe({ url, key: first.data, events, abort, ended: leave })
      } catch (error) {
        abort.abort()
        leave()
        throw error instanceof LfError ? error : blocked(url, "the event stream failed, or did not begin")
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** Counts a stream. Returns its undo. @throws UPGRADE_BLOCKED */
function enter(url: string): () => void {
  const { origin } = new URL(url)
  const count = openCounts.get(origin) ?? 0
  if (count >= STREAMS_MAX && !isMultiplexed(url))
    throw blocked(
      url,
      `over HTTP/1.1 only ${STREAMS_MAX} documents at once sync without WebSockets; serve the app with HTTP/2`,
    )
  openCounts.set(origin, count + 1)
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    openCounts.set(origin, (openCounts.get(origin) ?? 1) - 1)
  }
}

/** Whether one connection carries all requests: as the browser did the last one to the route. */
function isMultiplexed(url: string): boolean {
  const entry = performance.getEntriesByName(new URL(url).href).at(-1)
  const protocol = entry !== undefined && "nextHopProtocol" in entry ? String(entry.nextHopProtocol) : ""
  return /^h[23]/.test(protocol)
}

/** @throws SERVER_UNREACHABLE UPGRADE_BLOCKED, and the code that the server answered */
async function responseOf(url: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await fetch(withQuery(url, "stream"), {
    method: "POST",
    headers: { accept: "text/event-stream" },
    cache: "no-store",
    credentials: "include",
    signal,
  }).catch((error: unknown) => {
    throw errorName(error) === "TypeError" ? unreachable(url, "the request failed") : error
  })
  if (response.status === 200 && response.body !== null) return response.body
  const body = await jsonOf(response)
  throw body.code === "WEBSOCKET_REQUIRED"
    ? noStream(url, response)
    : (refusalOf(response, body, url) ?? noStream(url, response))
}

function noStream(url: string, { status }: Response): LfError {
  return blocked(url, `the event stream was answered with ${status}`)
}

function withQuery(url: string, name: string): string {
  const at = new URL(url)
  at.searchParams.set(name, "")
  return at.href
}

function blocked(url: string, why: string): LfError {
  return new LfError(
    "UPGRADE_BLOCKED",
    `${url} answers plain requests, but no WebSocket opens, and over plain HTTP: ${why}. A proxy in between must pass on Upgrade and Connection, or at least not hold responses back`,
  )
}

/** The events of a response. */
class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #events: EventSourceMessage[] = []
  readonly #decoder = new TextDecoder()
  readonly #parser = createParser({
    maxBufferSize: EVENT_CHARS_MAX,
    onEvent: (event) => this.#events.push(event),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw error
    },
  })

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader()
  }

  /** Null: the response has ended. Rejects when it breaks off. */
  async next(): Promise<EventSourceMessage | null> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) return event
      const { done, value } = await this.#reader.read()
      if (done) return null
      this.#parser.feed(this.#decoder.decode(value, { stream: true }))
    }
  }
}

class EventStreamPipe implements Pipe {
  readonly transport = "an event stream: no WebSocket opens"
  readonly #url: string
  readonly #key: string
  readonly #abort: AbortController
  readonly #ended: () => void
  readonly #early: Uint8Array[] = []
  #listener: PipeListener | null = null
  #closedBecause: string | null = null
  /** Frames, and the rest of one, that were not sent. */
  #waiting: Uint8Array[] = []
  #number = 0
  #isSending = false

  constructor(options: { url: string; key: string; events: EventReader; abort: AbortController; ended(): void }) {
    this.#url = withQuery(options.url, "send")
    this.#key = options.key
    this.#abort = options.abort
    this.#ended = options.ended
    void this.#receive(options.events)
  }

  send(frame: Uint8Array): void {
    if (this.#closedBecause !== null) return
    this.#waiting.push(lengthPrefixed(frame))
    if (!this.#isSending) void this.#sendAll()
  }

  close(reason: string): void {
    this.#end(reason)
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    for (const frame of this.#early.splice(0)) listener.frame(frame)
    if (this.#closedBecause !== null) listener.closed(this.#closedBecause)
  }

  async #receive(events: EventReader): Promise<void> {
    try {
      for (;;) {
        const event = await events.next()
        if (this.#closedBecause !== null) return
        if (event === null || event.event === "close") return this.#end(event?.data ?? "the event stream ended")
        if (event.event !== undefined) continue // of a later release
        const frame = Uint8Array.from(atob(event.data), (letter) => letter.charCodeAt(0))
        if (this.#listener === null) this.#early.push(frame)
        else this.#listener.frame(frame)
      }
    } catch {
      this.#end("the event stream failed")
    }
  }

  /** One request after the other, with all that has gathered meanwhile. */
  async #sendAll(): Promise<void> {
    this.#isSending = true
    // What is sent in this turn goes together.
    await Promise.resolve()
    try {
      while (this.#waiting.length > 0 && this.#closedBecause === null) await this.#post(this.#nextBytes())
    } catch {
      this.#end("a request failed")
    }
    this.#isSending = false
  }

  #nextBytes(): Uint8Array {
    const all = concatBytes(this.#waiting)
    const rest = all.subarray(SEND_BYTES_MAX)
    this.#waiting = rest.length === 0 ? [] : [rest]
    return all.subarray(0, SEND_BYTES_MAX)
  }

  async #post(bytes: Uint8Array): Promise<void> {
    const body = encodeSend({ key: this.#key, number: this.#number++, bytes })
    const timer = setTimeout(() => this.#end("a request was not answered"), SEND_MS_MAX)
    // Without a type of content it needs no permission from a server of another origin (CORS).
    const { status } = await fetch(this.#url, {
      method: "POST",
      body: new Blob([body.slice().buffer]),
      cache: "no-store",
      credentials: "include",
      signal: this.#abort.signal,
    }).finally(() => clearTimeout(timer))
    if (status !== 204) this.#end(`a request was answered with ${status}`)
  }

  #end(reason: string): void {
    if (this.#closedBecause !== null) return
    this.#closedBecause = reason
    this.#abort.abort()
    this.#ended()
    this.#listener?.closed(reason)
  }
}
