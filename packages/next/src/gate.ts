import { isLfError, LfError, toLfError } from "@lf/core"
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
  /** Who it is, null for nobody. Throwing refuses the connection with AUTH_REQUIRED. */
  authenticate(request: AuthRequest): P | null | Promise<P | null>
  /** Asked when a document is opened ("read", and "create" if there is none) and for every mutation of every batch. */
  authorize?(request: AuthorizeRequest<P>): boolean | Promise<boolean>
}

/** The app's two questions, asked so that nothing but yes lets anybody in (S3). */
export class Gate<P extends { readonly id: string }> {
  readonly #options: GateOptions<P>

  /** @throws AUTHORIZE_MISSING in production */
  constructor(options: GateOptions<P>) {
    this.#options = options
    if (options.authorize !== undefined) return
    if (isProduction()) {
      throw new LfError("AUTHORIZE_MISSING", "createLf needs authorize(); () => true says knowingly that all is open")
    }
    const said = shared("authorize-missing", () => ({ isSaid: false }))
    if (!said.isSaid)
      report("WARNING: createLf has no authorize(): everybody may read and write everything; production refuses")
    said.isSaid = true
  }

  /** @throws AUTH_REQUIRED */
  async authenticate(request: AuthRequest): Promise<P | null> {
    try {
      return await this.#options.authenticate(request)
    } catch (error) {
      if (!isLfError(error) || error.code !== "AUTH_REQUIRED") reportThrown("authenticate", error)
      throw new LfError("AUTH_REQUIRED", "authenticate() refused")
    }
  }

  /** @throws SERVER_CLOSING when `authorize` throws: that is neither yes nor no, so the client comes back later */
  async may(request: AuthorizeRequest<P>): Promise<boolean> {
    if (this.#options.authorize === undefined) return true
    try {
      return (await this.#options.authorize(request)) === true
    } catch (error) {
      reportThrown("authorize", error)
      throw new LfError("SERVER_CLOSING", "authorize() failed")
    }
  }
}

function reportThrown(name: string, error: unknown): void {
  // A stack names places in the app; the message might quote a token.
  const stack = error instanceof Error ? (error.stack ?? "").split("\n").slice(1, 4).join("\n") : ""
  const { name: kind } = error instanceof Error ? error : { name: typeof error }
  report(
    `${name}() threw ${isLfError(error) ? toLfError(error, "DOC_STOPPED").code : kind}${stack === "" ? "" : `\n${stack}`}`,
  )
}
