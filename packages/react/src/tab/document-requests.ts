import type { Query } from "@lf/core"
import { compileQuery } from "@lf/core/internal"
import type { DocumentOnDevice, TabMessage } from "../rpc/protocol.ts"

type Ask = (make: (call: number) => TabMessage) => Promise<unknown>

/** What the worker is asked once, and answers once. */
export class DocumentRequests {
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
  }

  query<R>(query: Query<R>): Promise<R[]> {
    return this.#ask((call) => {
      const { sql, parameters } = compileQuery(query)
      return { type: "query", call, sql, parameters }
    }) as Promise<R[]> // the author's assertion
  }

  /** Resolves when the rows of all changes that the worker has are here. */
  async delivered(): Promise<void> {
    await this.#ask((call) => ({ type: "deliver", call }))
  }

  async dismiss(uid: string): Promise<void> {
    await this.#ask((call) => ({ type: "dismiss", call, uid }))
  }

  async clear(pending: "refuse" | "discard"): Promise<void> {
    await this.#ask((call) => ({ type: "clear", call, pending }))
  }

  /** All of the user's documents on this device. */
  documents(): Promise<readonly DocumentOnDevice[]> {
    return this.#ask((call) => ({ type: "documents", call })) as Promise<readonly DocumentOnDevice[]> // lf's own worker
  }

  async sendAll(): Promise<void> {
    await this.#ask((call) => ({ type: "send-all", call }))
  }

  async signOut(pending: "refuse" | "discard" | null): Promise<void> {
    await this.#ask((call) => ({ type: "sign-out", call, pending }))
  }
}
