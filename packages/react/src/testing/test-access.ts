import { type Author, ERROR_CODES, isLfError, LfError } from "@lf/core"
import { asPrincipal, ownDocRight, USER_BYTES_MAX } from "@lf/core/internal"

/** What `authenticate` gets: as at the real server, and the user of the device that connects. */
export interface TestAuthRequest {
  readonly headers: Headers
  readonly url: URL
  /** What the provider's `auth` answered; null: nothing. */
  readonly token: string | null
  /** The `user` of `server.client({ user })`. */
  readonly user: string | null
}

export interface TestAuthorizeRequest<P> {
  readonly principal: P | null
  readonly doc: string
  readonly action: "read" | "write" | "create"
  /** The mutation's name, for "write". */
  readonly mutation?: string
}

export interface TestAccessOptions<P> {
  /** The app's own, or by default: whom `server.client({ user })` names. */
  readonly authenticate?: (request: TestAuthRequest) => P | null | Promise<P | null>
  /** The app's own, or by default: everything is allowed. */
  readonly authorize?: (request: TestAuthorizeRequest<P>) => boolean | Promise<boolean>
}

/** Calls the app's `authenticate` and `authorize`; only an explicit yes grants access, as at the real server. */
export class TestAccess<P extends { readonly id: string }> {
  readonly #options: TestAccessOptions<P>

  constructor(options: TestAccessOptions<P>) {
    this.#options = options
  }

  /** @throws AUTH_REQUIRED USER_ID_INVALID PRINCIPAL_INVALID */
  async authenticate(request: TestAuthRequest): Promise<P | null> {
    const { authenticate } = this.#options
    // Without `authenticate` no principal has more than an id.
    if (authenticate === undefined) return request.user === null ? null : ({ id: request.user } as P)
    let principal: P | null
    try {
      principal = (await authenticate(request)) ?? null
    } catch (cause) {
      throw new LfError("AUTH_REQUIRED", "authenticate() refused", { cause })
    }
    authorOf(principal)
    return principal
  }

  /** @throws AUTHORIZE_FAILED */
  async may(request: TestAuthorizeRequest<P>): Promise<boolean> {
    const { authorize } = this.#options
    const isOwner = ownDocRight(request.doc, request.principal?.id ?? null)
    if (isOwner !== null) return isOwner
    if (authorize === undefined) return true
    try {
      return (await authorize(request)) === true
    } catch (cause) {
      throw new LfError("AUTHORIZE_FAILED", ERROR_CODES.AUTHORIZE_FAILED, { cause })
    }
  }

  /** @throws FORBIDDEN AUTHORIZE_FAILED */
  async check(request: TestAuthorizeRequest<P>): Promise<void> {
    if (!(await this.may(request))) throw new LfError("FORBIDDEN", `authorize() refused to ${request.action}`)
  }
}

/** The code that closes a connection; null: it may stay. */
export async function codeOf(check: Promise<void>): Promise<string | null> {
  try {
    await check
    return null
  } catch (error) {
    return isLfError(error) ? error.code : "AUTHORIZE_FAILED"
  }
}

/** Who mutators get as `tx.principal`. @throws USER_ID_INVALID PRINCIPAL_INVALID */
export function authorOf(principal: { readonly id: string } | null): Author {
  if (principal === null) return null
  checkUserId(principal.id)
  return asPrincipal(principal)
}

/** @throws USER_ID_INVALID */
export function checkUserId(id: unknown): void {
  const bytes = typeof id === "string" ? new TextEncoder().encode(id).length : 0
  if (bytes >= 1 && bytes <= USER_BYTES_MAX) return
  throw new LfError(
    "USER_ID_INVALID",
    `expected a user id of 1 to ${USER_BYTES_MAX} bytes, got ${typeof id === "string" ? `${bytes} bytes` : typeof id}`,
  )
}
