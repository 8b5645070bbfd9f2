import { LfError } from "@lf/core"
import { toLfError } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"
import { holdLivenessLock, watchLivenessLock } from "../platform/browser/web-locks.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import { connectToWorker, type WorkerFactory } from "./make-worker.ts"

/** A worker that has not sent `alive` by then counts as failed; it may still come. */
const ALIVE_MS_MAX = 10_000
/** Reconnects sooner than that: a browser may connect to a worker that is about to end, without an event. */
const ASK_AGAIN_MS = 2_000
/** A worker that is alive is asked this often whether it still is: its lock can outlive it. */
const PING_MS = 2_000
/** It is reconnected when so many pings in a row bring no message. */
const SILENT_PINGS_MAX = 2
/** A script that could not be loaded is retried after this long, then after twice as long, and so on. */
const RELOAD_MS_MIN = 250
const RELOAD_MS_MAX = 10_000
/** After so many failed loads in a row the failure is reported. */
const LOADS_FAILED_MAX = 3

export interface ConnectionListener {
  /** A new connection, to the same worker or another: everything that it must know is posted now. */
  opened(): void
  received(message: WorkerMessage): void
  /** A worker listens on this connection: it gets all that was posted. */
  alive(): void
  /** A call now would wait. */
  failed(error: LfError, how: Failure): void
  /** A worker serves again after `failed`. */
  recovered(): void
}

/**
 * `silent`: it has what was posted and may still do it. `not-loaded`: there is none, and loading is retried. `final`:
 * there will be none.
 */
export type Failure = "silent" | "not-loaded" | "final"

let livenessLock: Promise<string | null> | undefined

/** One lock for the whole tab, whatever it opens. */
function livenessLockOfTab(): Promise<string | null> {
  livenessLock ??= holdLivenessLock()
  return livenessLock
}

/** A tab's port to the app's worker, made again when the worker ends, does not start, or does not answer. */
export class WorkerConnection {
  readonly #listener: ConnectionListener
  #factory: WorkerFactory | null = null
  #port: Port<TabMessage, WorkerMessage> | null = null
  #stopWatching: () => void = () => {}
  #stopTimer: () => void = () => {}
  #stopPinging: () => void = () => {}
  #silentMs = 0
  #loadsFailed = 0
  #hasFailed = false
  #isAlive = false
  /** A document was asked for on this port: the devtools ask for none. */
  #hasOpened = false
  #messages = 0
  /** The worker's lock that was seen free: the worker ended, or the site's data was cleared and locks are separate. */
  #freeLock: string | null = null

  constructor(listener: ConnectionListener) {
    this.#listener = listener
  }

  /** There is a worker, or a connection is under way. */
  get isOpen(): boolean {
    return this.#factory !== null
  }

  /** A worker listens on the port. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  open(factory: WorkerFactory): void {
    this.#factory = factory
    this.#connect()
  }

  close(): void {
    this.post({ type: "close" })
    this.#hangUp()
    this.#factory = null
    this.#silentMs = 0
    this.#loadsFailed = 0
    this.#hasFailed = false
  }

  post(message: TabMessage): void {
    if (message.type === "open") this.#hasOpened = true
    this.#port?.post(message)
  }

  /** Messages of the worker may have been lost meanwhile, and it may be another worker by now. */
  reconnect(): void {
    if (this.#factory === null) return
    this.post({ type: "close" })
    this.#hangUp()
    this.#connect()
  }

  /** The network may be back: a script that could not be loaded is retried now. */
  retry(): void {
    if (this.#factory !== null && this.#port === null) this.reconnect()
  }

  #connect(): void {
    if (this.#factory === null) return
    this.#stopTimer = browserHost.after(ASK_AGAIN_MS, () => this.#askAgain())
    try {
      const port: Port<TabMessage, WorkerMessage> = connectToWorker(this.#factory, () =>
        this.#notLoaded(port, "its script could not be loaded"),
      )
      this.#port = port
      port.listen((message) => this.#receive(port, message))
      this.#listener.opened()
      void livenessLockOfTab().then((lock) => {
        if (lock !== null && this.#port === port) port.post({ type: "life", lock })
      })
    } catch (error) {
      this.#hangUp()
      this.#hasFailed = true
      this.#listener.failed(toLfError(error, "UNSUPPORTED"), "final")
    }
  }

  #receive(port: Port<TabMessage, WorkerMessage>, message: WorkerMessage): void {
    if (this.#port !== port) return
    this.#messages++
    switch (message.type) {
      case "alive":
        // WebKit gives the port to a new worker when the process of the old one ends: what was posted on it is lost (T28).
        if (this.#isAlive) {
          this.reconnect()
          return
        }
        this.#loadsFailed = 0
        this.#isAlive = true
        this.#ping(0)
        this.#listener.alive()
        if (this.#hasFailed) {
          this.#hasFailed = false
          this.#listener.recovered()
        }
        return
      case "life":
        // Not before: from now on its end is detected.
        this.#stopTimer()
        this.#silentMs = 0
        this.#stopWatching()
        this.#watchWorker(message.lock)
        return
      case "pong":
        return
      case "failed":
        this.#notLoaded(port, message.error.message, sentToError(message.error))
        return
      case "restarting":
        this.reconnect()
        return
      default:
        this.#listener.received(message)
    }
  }

  /** Detects the end of the holder of `lock` at once. If it answers all the same, its locks are invisible here. */
  #watchWorker(lock: string | null): void {
    if (lock === null || lock === this.#freeLock) return
    this.#stopWatching = watchLivenessLock(lock, () => {
      this.#freeLock = lock
      this.reconnect()
    })
  }

  /** After silence reconnects. Pending calls are sent again with the same uids (T28). */
  #ping(silentPings: number): void {
    const messages = this.#messages
    if (silentPings > 0) this.post({ type: "ping", hasOpened: this.#hasOpened })
    this.#stopPinging = browserHost.after(PING_MS, () => {
      if (this.#messages > messages) this.#ping(1)
      else if (silentPings < SILENT_PINGS_MAX) this.#ping(silentPings + 1)
      else this.reconnect()
    })
  }

  #askAgain(): void {
    this.#silentMs += ASK_AGAIN_MS
    if (this.#silentMs >= ALIVE_MS_MAX && !this.#hasFailed) {
      this.#hasFailed = true
      const error = new LfError("WORKER_FAILED", `the worker does not answer after ${ALIVE_MS_MAX / 1000} s`)
      this.#listener.failed(error, "silent")
    }
    this.reconnect()
  }

  /** The port is dead: what was posted on it is posted again to the next worker. */
  #notLoaded(port: Port<TabMessage, WorkerMessage>, why: string, cause?: LfError): void {
    if (this.#port !== port) return
    this.#hangUp()
    this.#loadsFailed++
    const delayMs = Math.min(RELOAD_MS_MAX, RELOAD_MS_MIN * 2 ** Math.min(this.#loadsFailed - 1, 10))
    this.#stopTimer = browserHost.after(delayMs, () => this.#connect())
    if (this.#loadsFailed < LOADS_FAILED_MAX || this.#hasFailed) return
    this.#hasFailed = true
    const error = cause ?? new LfError("WORKER_FAILED", `the worker did not start: ${why}; it is tried again`)
    this.#listener.failed(error, "not-loaded")
  }

  #hangUp(): void {
    this.#stopWatching()
    this.#stopTimer()
    this.#stopPinging()
    this.#port?.close()
    this.#port = null
    this.#isAlive = false
    this.#hasOpened = false
  }
}
