import type { TabMessage } from "../rpc/protocol.ts"
import type { TabState } from "./tab-state.ts"

/** Whether this tab is sent one document's pending mutations: as long as a component shows them. */
export class TabPending {
  readonly #post: (message: TabMessage) => void
  readonly #known: TabState
  #watchers = 0

  constructor(post: (message: TabMessage) => void, known: TabState) {
    this.#post = post
    this.#known = known
  }

  /** Returns its undo. */
  watch(): () => void {
    this.#watchers++
    if (this.#watchers === 1) this.#post({ type: "watch-pending", on: true })
    return () => {
      this.#watchers--
      if (this.#watchers > 0) return
      this.#post({ type: "watch-pending", on: false })
      this.#known.changePending({ type: "all", items: [] })
    }
  }

  /** On a new connection. */
  askAgain(): void {
    if (this.#watchers > 0) this.#post({ type: "watch-pending", on: true })
  }
}
