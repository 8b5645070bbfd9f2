import type { RejectedMutation } from "@lf/core"
import type { DocumentState, PendingMutation, QueueChange, RejectedChange, SentError } from "../rpc/protocol.ts"
import { changedQueue } from "../rpc/queue.ts"
import { changedRejections, INITIAL_STATE, nextState } from "./document-state.ts"

/** The tab's state of its document besides rows, and the listeners of its changes. */
export class TabState {
  readonly #watchers = new Set<() => void>()
  #state: DocumentState = INITIAL_STATE
  #pending: readonly PendingMutation[] = []
  #rejected: readonly RejectedMutation[] = []

  get watcherCount(): number {
    return this.#watchers.size
  }

  get state(): DocumentState {
    return this.#state
  }

  /** The pending mutations, while they are watched. */
  get pending(): readonly PendingMutation[] {
    return this.#pending
  }

  get rejected(): readonly RejectedMutation[] {
    return this.#rejected
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Returns the error if it changed. */
  become(change: Partial<DocumentState>): SentError | null {
    const before = this.#state
    this.#state = nextState(before, change)
    this.#notify()
    return this.#state.error === before.error ? null : this.#state.error
  }

  changePending(change: QueueChange<PendingMutation>): void {
    this.#pending = changedQueue(this.#pending, change)
    this.#notify()
  }

  changeRejected(change: RejectedChange): void {
    this.#rejected = changedRejections(this.#rejected, change)
    this.#notify()
  }

  /** Resets to the state before the worker's first message. */
  reset(): void {
    this.#state = INITIAL_STATE
    this.#pending = []
    this.#rejected = []
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
