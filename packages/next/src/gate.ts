import { ERROR_CODES, isLfError, LfError } from "@lf/core"
import { asFailure, type OnError, placesOf } from "./error-report.ts"
import { LIMITS } from "./limits.ts"
import { isProduction, report, shared } from "./shared.ts"

export type Action = "read" | "write" | "create"

/** What is known of a connection before it is let in. */
export interface AuthRequest {
  /** Of the WebSocket's upgrade: cookies are here. */
  readonly headers: Headers
  readonly url: URL
  /** What the client's `auth()` gave, at most 16 KiB; null: nothing. */
  readonly token: string | null
}

export interface AuthorizeRequest<P> {
  readonly principal: P | null
  readonly doc: string
  readonly action: Action
  /** Its name, for "write". */
  readonly mutation?: string
}

export interface GateOptions<P> {
  /**
   * Who it is, null for nobody. Throwing refuses the connection with AUTH_REQUIRED. Asked when a client connects, and again
   * every `limits.recheckMs` with what it showed then: another answer closes the connection (S2).
   */
  authenticate(request: AuthRequest): P | null | Promise<P | null>
  /** Asked when a document is opened ("read", and "create" if there is none) and for every mutation of every batch. */
  authorize?(request: AuthorizeRequest<P>): boolean | Promise<boolean>
}

/** The app's two questions, asked so that nothing but yes lets anybody in (S3). */
export class Gate<P extends { readonly id: string }> {
  readonly #options: GateOptions<P>
  readonly #answerMsMax: number
  readonly #onError: OnError | undefined

  /** @throws AUTHENTICATE_MISSING AUTHORIZE_MISSING in production */
  constructor(options: GateOptions<P>, answerMsMax = LIMITS.authMsMax, onError?: OnError) {
    this.#options = options
    this.#answerMsMax = answerMsMax
    this.#onError = onError
    // What plain JavaScript may leave out.
    const asked: Partial<GateOptions<P>> = options
    if (asked.authenticate === undefined) missing("AUTHENTICATE_MISSING", "authenticate(): everybody is nobody")
    if (asked.authorize === undefined)
      missing("AUTHORIZE_MISSING", "authorize(): everybody may read and write everything")
  }

  /** @throws AUTH_REQUIRED */
  async authenticate(request: AuthRequest): Promise<P | null> {
    const { authenticate }: Partial<GateOptions<P>> = this.#options
    if (authenticate === undefined) return null
    try {
      return await this.#inTime(authenticate.call(this.#options, request))
    } catch (error) {
      if (!isLfError(error) || error.code !== "AUTH_REQUIRED") this.#report("authenticate", error)
      throw new LfError("AUTH_REQUIRED", "authenticate() refused")
    }
  }

  /** @throws AUTHORIZE_FAILED when `authorize` throws or does not answer in time: neither yes nor no, so the client comes back later */
  async may(request: AuthorizeRequest<P>): Promise<boolean> {
    if (this.#options.authorize === undefined) return true
    try {
      return (await this.#inTime(this.#options.authorize(request))) === true
    } catch (error) {
      this.#report("authorize", error, request.doc)
      throw new LfError("AUTHORIZE_FAILED", ERROR_CODES.AUTHORIZE_FAILED)
    }
  }

  #report(name: string, error: unknown, doc?: string): void {
    const code = name === "authorize" ? "AUTHORIZE_FAILED" : "AUTH_REQUIRED"
    const failure = isLfError(error) ? error : asFailure(code, `${name}() threw`, error)
    report(`${name}() threw ${error instanceof Error ? error.name : typeof error}${placesOf(error)}`)
    this.#onError?.(failure, doc === undefined ? {} : { doc })
  }

  #inTime<T>(answer: T | Promise<T>): T | Promise<T> {
    if (!(answer instanceof Promise)) return answer
    return new Promise((resolve, reject) => {
      const noAnswer = () => reject(new Error(`no answer within ${this.#answerMsMax} ms`))
      const timer = setTimeout(noAnswer, this.#answerMsMax).unref()
      answer.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }
}

/** Production denies by not starting; development says it once, loudly. */
function missing(code: "AUTHENTICATE_MISSING" | "AUTHORIZE_MISSING", what: string): void {
  if (isProduction()) throw new LfError(code, ERROR_CODES[code])
  const said = shared(code, () => ({ isSaid: false }))
  if (!said.isSaid) report(`WARNING: createLf has no ${what}; production refuses`)
  said.isSaid = true
}
