import { type Author, type ErrorCode, LfError } from "@lf/core"
import { asPrincipal, type Rights } from "@lf/core/internal"
import type { AccessControl, AuthRequest } from "./access-control.ts"
import { RightsWatch } from "./rights-watch.ts"

/** The answers of `authenticate` and `authorize` for one connection to one document. */
export class ConnectionRights<P extends { readonly id: string }> implements Rights {
  readonly user: string | null
  readonly #access: AccessControl<P>
  readonly #request: AuthRequest
  readonly #doc: string
  readonly #watch = new RightsWatch(() => this.#changed())
  /** The last answer: `authorize` gets it, not the first one. */
  #principal: P | null
  #author: Author
  #isChanged = false
  #onChanged: (() => void) | null = null

  private constructor(options: { access: AccessControl<P>; request: AuthRequest; doc: string; principal: P | null }) {
    this.#access = options.access
    this.#request = options.request
    this.#doc = options.doc
    this.#principal = options.principal
    this.#author = authorOf(options.principal)
    this.user = options.principal?.id ?? null
  }

  /** @throws AUTH_REQUIRED USER_ID_INVALID PRINCIPAL_INVALID AUTHORIZE_FAILED FORBIDDEN */
  static async ask<P extends { readonly id: string }>(options: {
    access: AccessControl<P>
    request: AuthRequest
    doc: string
  }): Promise<ConnectionRights<P>> {
    const principal = await options.access.authenticate(options.request)
    const rights = new ConnectionRights({ ...options, principal })
    if (!(await rights.#mayRead())) {
      rights.stop()
      throw new LfError("FORBIDDEN", "authorize() refused to read")
    }
    return rights
  }

  get author(): Author {
    return this.#author
  }

  readonly mayWrite = (mutation: string): boolean | Promise<boolean> =>
    this.#access.may({ principal: this.#principal, doc: this.#doc, action: "write", mutation })

  mayCreate(): Promise<boolean> {
    return this.#access.may({ principal: this.#principal, doc: this.#doc, action: "create" })
  }

  /** Calls `onChanged` when rows that `authorize` read of documents have changed, at once when they have already. */
  listen(onChanged: () => void): void {
    this.#onChanged = onChanged
    if (this.#isChanged) onChanged()
  }

  /** Calls `authenticate` and `authorize` again. Null: the connection may stay; else the code that closes it. */
  async recheck(): Promise<ErrorCode | null> {
    const now = await this.#access.authenticate(this.#request)
    if ((now?.id ?? null) !== this.user) return "AUTH_REQUIRED"
    this.#principal = now
    this.#author = authorOf(now)
    return (await this.#mayRead()) ? null : "FORBIDDEN"
  }

  stop(): void {
    this.#onChanged = null
    this.#watch.stop()
  }

  #mayRead(): Promise<boolean> {
    this.#isChanged = false
    return this.#watch.during(() => this.#access.may({ principal: this.#principal, doc: this.#doc, action: "read" }))
  }

  #changed(): void {
    this.#isChanged = true
    this.#onChanged?.()
  }
}

function authorOf(principal: { readonly id: string } | null): Author {
  return principal === null ? null : asPrincipal(principal)
}
