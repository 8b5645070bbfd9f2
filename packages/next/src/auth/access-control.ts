import { ERROR_CODES, LfError } from "@lf/core"
import { asPrincipal, ownDocRight, toLfError, withTimeout } from "@lf/core/internal"
import { LIMITS } from "../limits/limits.ts"
import { isKnown, type Reporter, reporterOf } from "../log/error-report.ts"
import { nodeHost } from "../node/node-host.ts"
import { isProduction } from "../process/environment.ts"
import { processGlobal } from "../process/globals.ts"
import { userIdTrouble } from "./user-id.ts"

export type Action = "read" | "write" | "create"

/** What is known of a connection before it is authorized. */
export interface AuthRequest {
  /** Headers of the WebSocket's upgrade, cookies included. */
  readonly headers: Headers
  readonly url: URL
  /** What the client's `auth()` returned, at most 16 KiB; null: nothing. */
  readonly token: string | null
}

export interface AuthorizeRequest<P> {
  readonly principal: P | null
  readonly doc: string
  readonly action: Action
  /** The mutation's name, for "write". */
  readonly mutation?: string
}

export interface AccessOptions<P> {
  /**
   * The user, null without one. Throwing refuses the connection with AUTH_REQUIRED. Asked when a client connects, and again
   * every `limits.recheckMs` with what it showed then: another answer closes the connection (S2). An `id` is a text of 1 to
   * 4096 bytes of UTF-8; another one refuses the connection with USER_ID_INVALID. Mutators get the answer as `tx.principal`:
   * at most 16 KiB as JSON, else PRINCIPAL_INVALID.
   */
  authenticate(request: AuthRequest): P | null | Promise<P | null>
  /**
   * Asked when a document is opened ("read", and "create" if there is none) and for every mutation of every batch. Rows that
   * it reads with `lf.document(id, { as: "system" }).query(…)` to answer "read" are watched: when they change, it is asked
   * again within a second, and a client that may not read any more is disconnected with FORBIDDEN (I18). Not asked for a user's
   * own document (`ownDocId`), which is for that user alone.
   */
  authorize?(request: AuthorizeRequest<P>): boolean | Promise<boolean>
}

/** What is wrong with an answer of `authenticate`, with lengths and types only: an id may be a token by mistake. */
function principalTrouble(principal: { readonly id: string }): LfError | null {
  const trouble = userIdTrouble(principal)
  if (trouble !== null) return new LfError("USER_ID_INVALID", trouble)
  try {
    asPrincipal(principal)
    return null
  } catch (error) {
    return toLfError(error, "PRINCIPAL_INVALID")
  }
}

/** Calls the app's `authenticate` and `authorize`; only an explicit yes grants access (S3). */
export class AccessControl<P extends { readonly id: string }> {
  readonly #options: AccessOptions<P>
  readonly #answerMsMax: number
  readonly #reporter: Reporter

  /** @throws AUTHENTICATE_MISSING AUTHORIZE_MISSING in production */
  constructor(options: AccessOptions<P>, answerMsMax = LIMITS.authMsMax, reporter = reporterOf()) {
    this.#options = options
    this.#answerMsMax = answerMsMax
    this.#reporter = reporter
    // Plain JavaScript may omit them.
    const asked: Partial<AccessOptions<P>> = options
    if (asked.authenticate === undefined) {
      missing("AUTHENTICATE_MISSING", "createLf has no authenticate(): every connection is anonymous", reporter)
    }
    if (asked.authorize === undefined) {
      missing("AUTHORIZE_MISSING", "createLf has no authorize(): every connection may read and write", reporter)
    }
  }

  /** @throws AUTH_REQUIRED USER_ID_INVALID PRINCIPAL_INVALID */
  async authenticate(request: AuthRequest): Promise<P | null> {
    const { authenticate }: Partial<AccessOptions<P>> = this.#options
    if (authenticate === undefined) return null
    const principal = await this.#answer(() => authenticate.call(this.#options, request))
    if (principal === null) return null
    const error = principalTrouble(principal)
    if (error === null) return principal
    this.#reporter.log({ level: "error", event: "user-id-invalid", code: error.code, detail: error.message })
    this.#reporter.notify(error, {})
    throw error
  }

  async #answer(ask: () => P | null | Promise<P | null>): Promise<P | null> {
    try {
      return (await this.#inTime(ask())) ?? null
    } catch (error) {
      if (!isKnown(error) || error.code !== "AUTH_REQUIRED") this.#report("authenticate", error)
      throw new LfError("AUTH_REQUIRED", "authenticate() refused")
    }
  }

  /** @throws AUTHORIZE_FAILED when `authorize` throws or times out: neither yes nor no, so the client retries later */
  async may(request: AuthorizeRequest<P>): Promise<boolean> {
    const isOwner = ownDocRight(request.doc, request.principal?.id ?? null)
    if (isOwner !== null) return isOwner
    if (this.#options.authorize === undefined) return true
    try {
      return (await this.#inTime(this.#options.authorize(request))) === true
    } catch (error) {
      this.#report("authorize", error, request.doc)
      throw new LfError("AUTHORIZE_FAILED", ERROR_CODES.AUTHORIZE_FAILED)
    }
  }

  #report(name: "authenticate" | "authorize", error: unknown, doc?: string): void {
    const code = name === "authorize" ? "AUTHORIZE_FAILED" : "AUTH_REQUIRED"
    this.#reporter.failed({ event: `${name}-failed`, error, code, ...(doc === undefined ? {} : { doc }) })
  }

  /** Awaits any thenable, at most `authMsMax`: a promise may be of another realm's class. */
  #inTime<T>(answer: T | Promise<T>): T | Promise<T> {
    if (!isThenable(answer)) return answer
    const ms = this.#answerMsMax
    return withTimeout(nodeHost, ms, answer, () => new AnswerTimeout(`no answer within ${ms} ms`))
  }
}

/** The log gets its class, and no message. */
class AnswerTimeout extends Error {}

function isThenable(answer: unknown): boolean {
  const mayHave = (typeof answer === "object" && answer !== null) || typeof answer === "function"
  return mayHave && typeof (answer as { then?: unknown }).then === "function"
}

/** Production refuses to start; development logs it once. */
function missing(code: "AUTHENTICATE_MISSING" | "AUTHORIZE_MISSING", detail: string, { log }: Reporter): void {
  if (isProduction()) throw new LfError(code, ERROR_CODES[code])
  const said = processGlobal(code, () => ({ isSaid: false }))
  if (!said.isSaid) log({ level: "warn", event: "option-missing", code, detail: `${detail}; production refuses` })
  said.isSaid = true
}
