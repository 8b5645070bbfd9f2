import { LfError } from "@lf/core"
import type { Host } from "@lf/core/internal"
import type { TokenAnswer } from "../rpc/protocol.ts"

/** How long tabs have to answer `auth()` before the connection's status is `needs-auth`. */
export const TOKEN_MS_MAX = 10_000

/** A tab that may have a token. */
export interface TokenSource {
  readonly hasAuth: boolean
  wantToken(ask: number): void
}

interface Ask {
  /** Asked, and not answered yet. */
  readonly open: Set<TokenSource>
  readonly refusals: string[]
  isNoneSaid: boolean
  resolve(token: string | null): void
  reject(error: LfError): void
}

/**
 * Asks the tabs of one document for a token: all that can answer, at once. The first token is used, so a tab whose login
 * dialog is open delays no connection. Every request has its own number and a time limit (T42).
 */
export class TokenDesk {
  readonly #host: Host
  readonly #sources = new Set<TokenSource>()
  readonly #asks = new Map<number, Ask>()
  readonly #onLateToken: () => void
  #nextAsk = 1

  /** `onLateToken`: a token came after its request had ended; a retry is worth it. */
  constructor(host: Host, onLateToken: () => void) {
    this.#host = host
    this.#onLateToken = onLateToken
  }

  /** A tab came, or can be asked from now on: it is asked if a request waits. */
  add(source: TokenSource): void {
    this.#sources.add(source)
    for (const [number, ask] of this.#asks) this.#put(number, ask, source)
  }

  /** A tab is gone, or cannot be asked any more: its answer is not awaited. */
  remove(source: TokenSource): void {
    this.#sources.delete(source)
    for (const number of [...this.#asks.keys()])
      this.answer(source, number, { type: "failed", message: "its tab was closed" })
  }

  /**
   * A token; null: no tab has an `auth`, or one answered that there is none.
   * @throws AUTH_REQUIRED when every `auth()` threw, or none answered within TOKEN_MS_MAX
   */
  ask(): Promise<string | null> {
    const sources = [...this.#sources].filter(({ hasAuth }) => hasAuth)
    if (sources.length === 0) return Promise.resolve(null)
    const number = this.#nextAsk++
    return new Promise((resolve, reject) => {
      const cancel = this.#host.after(TOKEN_MS_MAX, () => this.#end(number, `none within ${TOKEN_MS_MAX / 1000} s`))
      const ask: Ask = {
        open: new Set(),
        refusals: [],
        isNoneSaid: false,
        resolve: (token) => {
          cancel()
          resolve(token)
        },
        reject: (error) => {
          cancel()
          reject(error)
        },
      }
      this.#asks.set(number, ask)
      for (const source of sources) this.#put(number, ask, source)
    })
  }

  answer(source: TokenSource, number: number, answer: TokenAnswer): void {
    const ask = this.#asks.get(number)
    if (ask === undefined) {
      if (answer.type === "token") this.#onLateToken()
      return
    }
    if (!ask.open.delete(source)) return
    if (answer.type === "token") {
      this.#asks.delete(number)
      ask.resolve(answer.token)
      return
    }
    if (answer.type === "none") ask.isNoneSaid = true
    else ask.refusals.push(answer.message)
    if (ask.open.size === 0) this.#end(number, ask.refusals.join("; "))
  }

  #put(number: number, ask: Ask, source: TokenSource): void {
    if (!source.hasAuth || ask.open.has(source)) return
    ask.open.add(source)
    source.wantToken(number)
  }

  /** No token will come: null if a tab answered that it has none, so that the server decides; else AUTH_REQUIRED. */
  #end(number: number, why: string): void {
    const ask = this.#asks.get(number)
    if (ask === undefined) return
    this.#asks.delete(number)
    if (ask.isNoneSaid) ask.resolve(null)
    else ask.reject(new LfError("AUTH_REQUIRED", `no tab gave a token: ${why}`))
  }
}
