import { bytesEqual, textToBytes } from "../base/bytes.ts"
import { LfError, toLfError } from "../base/error.ts"
import type { ErrorCode } from "../base/error-codes.ts"
import type { Cancel, Host } from "../base/host.ts"
import { LSN_ZERO } from "../base/lsn.ts"
import { backoffMs, Sleep, withTimeout } from "../base/wait.ts"
import type { Progress } from "../network/first-sync.ts"
import { Link } from "../network/link.ts"
import { PROTOCOL_VERSION, PUSH_BYTES_MAX, TOKEN_BYTES_MAX, type Welcome } from "../network/message.ts"
import type { Network } from "../network/network.ts"
import { compareSchema } from "../timeline/schema.ts"
import type { Local } from "./local.ts"
import type { Presences } from "./presences.ts"

/** A connection silent for this long is pinged; without an answer in the same time again it is closed (T22). */
const HEARTBEAT_MS = 10_000
const RETRY_MS = { minMs: 250, maxMs: 15_000 }
/** After a refusal that only a person or a deploy can change. */
const RETRY_MS_REFUSED = 30_000
/** Size of the first push. A fast answer doubles the next push, a slow one halves it. */
const PUSH_BYTES_FIRST = 64 * 1024
const PUSH_BYTES_MIN = 16 * 1024
const PUSH_MS_FAST = 2_000
/** Wait after a server had no room for more of this client's mutations. */
const PUSH_AGAIN_MS = 1_000
/** Limit for one connect, whatever limits the network's adapter has. */
const CONNECT_MS_MAX = 30_000
const WELCOME_MS_MAX = 10_000

export type ConnectionStatus = "connecting" | "connected" | "offline" | "needs-auth" | "needs-update" | "error"

export interface SessionState {
  readonly status: ConnectionStatus
  /** Why it is not connected, `offline` included; null if connected, before the first try ended, and when switched off. */
  readonly error: LfError | null
  /** Everything that the server had when we connected is here. */
  readonly isUpToDate: boolean
  readonly firstSync: Progress | null
}

export interface SessionOptions {
  readonly docId: string
  readonly local: Local
  readonly network: Network
  readonly host: Host
  /** Returns a short-lived token for the server's `authenticate`; called at every connection. */
  readonly token?: () => Promise<string | null>
  /** Whose document this is. A server that authenticates another user gets nothing; without one it decides alone. */
  readonly user?: string | null
  readonly presences?: Presences
  readonly onChange: () => void
}

/** Syncs one document with its server: connects, pushes, pulls, and reconnects after a failure. */
export class Session {
  readonly #options: SessionOptions
  #state: SessionState = { status: "connecting", error: null, isUpToDate: false, firstSync: null }
  #isOnline = true
  #isStopped = false
  #link: Link | null = null
  #failures = 0
  /** The connection under way, or the last one, was welcomed. */
  #isWelcome = false
  #pushBytes = PUSH_BYTES_FIRST
  /** When it last connected at once, under a new client id. */
  #renewedMs = Number.NEGATIVE_INFINITY
  readonly #sleep: Sleep

  constructor(options: SessionOptions) {
    this.#options = options
    this.#sleep = new Sleep(options.host)
    void this.#run()
  }

  get state(): SessionState {
    const state = this.#state
    // All of it is here, and is being kept.
    return state.firstSync === null || this.#options.local.cursor === LSN_ZERO ? state : { ...state, firstSync: null }
  }

  /** False: stays away from the network until it is called with true. */
  setOnline(isOnline: boolean): void {
    if (this.#isOnline === isOnline) return
    this.#isOnline = isOnline
    this.#failures = 0
    if (!isOnline) this.#link?.close("went offline")
    this.#sleep.wake()
  }

  /** Tries at once instead of waiting for the next retry; asks an open connection whether it is alive. */
  poke(): void {
    this.#failures = 0
    this.#link?.ping()
    this.#sleep.wake()
  }

  stop(): void {
    this.#isStopped = true
    this.#link?.close("stopped")
    this.#sleep.wake()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      if (!this.#isOnline) {
        this.#become({ status: "offline", error: null, isUpToDate: false })
        await this.#sleepUnlessStopped(null)
        continue
      }
      const { secret } = this.#options.local
      const error = await this.#connectOnce()
      if (this.#isStopped) return
      if (this.#wasFine(error)) this.#failures = 0
      if (this.#isNew(secret)) continue
      this.#failures++
      if (!this.#isOnline) continue
      const { status, isRefusal } = meaningOf(error.code)
      this.#become({ status, error, isUpToDate: false, firstSync: null })
      await this.#sleepUnlessStopped(isRefusal ? RETRY_MS_REFUSED : this.#retryMs())
    }
  }

  /** Servers whose releases do not agree welcome a client, and close what it sends, until one of them ends. */
  #wasFine({ code }: LfError): boolean {
    const wasWelcome = this.#isWelcome
    this.#isWelcome = false
    return wasWelcome && code !== "SERVER_OLDER"
  }

  /** Whether the document has a new client id: then it reconnects at once without an error. Not twice in a row. */
  #isNew(secret: Uint8Array): boolean {
    const nowMs = this.#options.host.monotonicMs()
    if (bytesEqual(secret, this.#options.local.secret) || nowMs - this.#renewedMs < RETRY_MS.minMs) return false
    this.#renewedMs = nowMs
    return true
  }

  /** One connection from beginning to end; the reason why it ended. */
  async #connectOnce(): Promise<LfError> {
    const { network, host, local } = this.#options
    let stopHeartbeat: Cancel = () => {}
    try {
      const token = checkToken((await this.#options.token?.()) ?? "")
      const pipe = await withTimeout(host, CONNECT_MS_MAX, network.connect(), noAnswer(CONNECT_MS_MAX))
      const link = new Link(pipe, (progress) => this.#become({ firstSync: local.cursor === 0 ? progress : null }))
      this.#link = link
      if (this.#isStopped || !this.#isOnline) link.close("went offline")
      const { secret } = local
      const welcome = await withTimeout(host, WELCOME_MS_MAX, this.#greet(link, token), noAnswer(WELCOME_MS_MAX))
      this.#checkUser(welcome)
      this.#checkSchema(welcome)
      this.#isWelcome = true
      stopHeartbeat = this.#startHeartbeat(link)
      local.meet(welcome)
      this.#become({ status: "connected", error: null, isUpToDate: this.#isUpToDate(welcome) })
      void this.#options.presences?.run(link)
      return await Promise.race([link.closed, this.#push(link, secret), this.#pull(link, welcome)])
    } catch (error) {
      return toLfError(error, "WORKER_FAILED")
    } finally {
      stopHeartbeat()
      this.#link?.close("done")
      this.#link = null
    }
  }

  #greet(link: Link, token: string): Promise<Welcome> {
    const { local, docId } = this.#options
    return link.hello({
      type: "hello",
      protocol: PROTOCOL_VERSION,
      docId,
      secret: local.secret,
      epoch: local.epoch,
      cursor: local.cursor,
      schema: local.mutator.migrations.map(({ hash }) => hash),
      token,
    })
  }

  /** The browser's cookies may be another user's by now: what is pending here must not run as theirs (T25). */
  #checkUser(welcome: Welcome): void {
    const { user = null } = this.#options
    if (user === null || welcome.user === user) return
    throw new LfError(
      "AUTH_REQUIRED",
      "expected the server to answer the document's user, got another user or none: sign in as the provider's `user`",
    )
  }

  /** Older code must not pull a newer schema; newer code waits for the server's deploy (T15). */
  #checkSchema(welcome: Welcome): void {
    const state = compareSchema(welcome.schema, this.#options.local.mutator)
    if (state.type === "newer")
      throw new LfError("SCHEMA_NEWER", "the server's schema is newer than this code; load the app again")
    if (state.type === "edited")
      throw new LfError(
        "MIGRATION_EDITED",
        `migration ${state.position} differs from the server's: restore its text, and add a new one instead`,
      )
    if (state.type === "older")
      throw new LfError("SERVER_OLDER", "this page's code has migrations that the server does not know yet")
  }

  async #push(link: Link, secret: Uint8Array): Promise<LfError> {
    const { local } = this.#options
    for (;;) {
      // A new identity must be shown to the server before anything is sent under it.
      if (!bytesEqual(secret, local.secret)) link.close("this client has a new id")
      if (!link.isOpen) return await link.closed
      const ready = local.readyToPush()
      const pushed = await this.#pushOnce(link)
      if (pushed === "nothing") await Promise.race([ready, link.closed])
      else if (pushed === "later") await Promise.race([this.#pause(PUSH_AGAIN_MS), link.closed])
    }
  }

  async #pull(link: Link, welcome: Welcome): Promise<LfError> {
    const { local } = this.#options
    for (;;) {
      await local.rebase(link, welcome.epoch)
      // What was under way when the connection ended says nothing of the next one.
      if (!link.isOpen) return await link.closed
      this.#become({ isUpToDate: this.#isUpToDate(welcome), firstSync: null })
    }
  }

  #isUpToDate(welcome: Welcome): boolean {
    const { local } = this.#options
    return local.epoch === welcome.epoch && local.cursor >= welcome.lsn
  }

  #startHeartbeat(link: Link): Cancel {
    const { host } = this.#options
    let received = -1
    let cancel: Cancel = () => {}
    const beat = () => {
      if (link.receivedCount === received) link.close("the server does not answer")
      received = link.receivedCount
      link.ping()
      cancel = host.after(HEARTBEAT_MS, beat)
    }
    cancel = host.after(HEARTBEAT_MS, beat)
    return () => cancel()
  }

  /** Doubles, with jitter so that clients do not all reconnect at once after a server's restart. */
  #retryMs(): number {
    const [random] = this.#options.host.randomBytes(1)
    const full = backoffMs(this.#failures - 1, RETRY_MS)
    return full / 2 + (full / 2) * (random / 255)
  }

  /** Pushes as much as is sent in a moment: behind a longer push a ping would be late, and the connection closed as dead. */
  async #pushOnce(link: Link): Promise<"more" | "nothing" | "later"> {
    const { host, local } = this.#options
    const startMs = host.monotonicMs()
    const bytes = this.#pushBytes
    // Halved until the answer comes: its size may be what ends the connection.
    this.#pushBytes = Math.max(PUSH_BYTES_MIN, bytes / 2)
    const pushed = await local.pushMutations(link, bytes)
    const isFast = host.monotonicMs() - startMs < PUSH_MS_FAST
    if (pushed === "nothing") this.#pushBytes = bytes
    else if (isFast) this.#pushBytes = Math.min(PUSH_BYTES_MAX, bytes * 2)
    return pushed
  }

  async #sleepUnlessStopped(delayMs: number | null): Promise<void> {
    if (!this.#isStopped) await this.#sleep.for(delayMs)
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.host.after(delayMs, resolve)
    })
  }

  #become(change: Partial<SessionState>): void {
    if (this.#isStopped) return
    this.#state = { ...this.#state, ...change }
    this.#options.onChange()
  }
}

/** What the end of a connection means for the user, and whether only a person or a deploy can change it. */
function meaningOf(code: ErrorCode): { readonly status: ConnectionStatus; readonly isRefusal: boolean } {
  switch (code) {
    case "AUTH_REQUIRED":
      return { status: "needs-auth", isRefusal: true }
    case "SCHEMA_NEWER":
    case "PROTOCOL_NEWER":
      return { status: "needs-update", isRefusal: true }
    case "SERVER_UNREACHABLE":
    case "SERVER_CLOSING":
    case "SERVER_OLDER":
    case "RATE_LIMITED":
      return { status: "offline", isRefusal: false }
    // The base is fetched again.
    case "CHECKSUM_MISMATCH":
      return { status: "connecting", isRefusal: false }
    // Something is set up wrongly or restarts: reported, and tried again soon.
    case "ROUTE_MISSING":
    case "ROUTE_FAILED":
    case "UPGRADE_BLOCKED":
    case "AUTHORIZE_FAILED":
    case "SERVER_DIRECTORY_OWNED":
    case "STORE_UNAVAILABLE":
      return { status: "error", isRefusal: false }
    default:
      return { status: "error", isRefusal: true }
  }
}

/** @throws TOKEN_TOO_LARGE: the hello has no room for it, so nothing is sent */
function checkToken(token: string): string {
  const { length } = textToBytes(token)
  if (length <= TOKEN_BYTES_MAX) return token
  throw new LfError("TOKEN_TOO_LARGE", `expected a token of at most ${TOKEN_BYTES_MAX} bytes, auth() gave ${length}`)
}

function noAnswer(limitMs: number): () => LfError {
  return () => new LfError("SERVER_UNREACHABLE", `no answer from the server within ${limitMs} ms`)
}
