import type { Host } from "../base/host.ts"
import type { Outcome } from "../timeline/outcome.ts"
import type { RemoteStore, ServerOutcome } from "./remote-store.ts"

/** A call that lost its answer asks again within seconds; a clock that jumps as far is the only thing in its way. */
export const OUTCOME_KEPT_MS = 60_000
/** The most that are kept, whatever their age. */
export const OUTCOMES_KEPT_MAX = 10_000

/** The last outcomes of servers' own mutations, so that one which is called again does not run again (T28). */
export class ServerOutcomes {
  readonly #store: RemoteStore
  readonly #host: Host
  readonly #byUid = new Map<string, ServerOutcome>()

  constructor(store: RemoteStore, host: Host) {
    this.#store = store
    this.#host = host
    for (const { entry } of store.serverOutcomes.iter()) this.#byUid.set(entry.uid, entry)
  }

  /** Durable with the flush that makes the mutation durable. */
  append(uid: string, outcome: Outcome): void {
    const entry = { uid, atMs: this.#host.nowMs(), outcome }
    this.#store.serverOutcomes.append(entry)
    this.#byUid.set(uid, entry)
    this.#forgetOld()
  }

  find(uid: string): Outcome | undefined {
    return this.#byUid.get(uid)?.outcome
  }

  /** Before a checkpoint: drops the old ones at rest too. */
  forget(): void {
    this.#forgetOld()
    const { serverOutcomes } = this.#store
    let last = serverOutcomes.start()
    for (const { lsn: at, entry } of serverOutcomes.iter()) {
      if (this.#byUid.has(entry.uid)) break
      last = at
    }
    serverOutcomes.rollup(last)
  }

  /** The oldest come first. */
  #forgetOld(): void {
    const oldestMs = this.#host.nowMs() - OUTCOME_KEPT_MS
    for (const { uid, atMs } of this.#byUid.values()) {
      if (atMs >= oldestMs && this.#byUid.size <= OUTCOMES_KEPT_MAX) return
      this.#byUid.delete(uid)
    }
  }
}
