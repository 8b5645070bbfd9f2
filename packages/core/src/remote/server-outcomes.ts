import type { Host } from "../base/host.ts"
import type { Outcome } from "../timeline/outcome.ts"
import type { RemoteStore } from "./remote-store.ts"

/** A call that lost its answer asks again within seconds. */
export const OUTCOME_KEPT_MS = 60_000
/** The most that are kept, whatever their age. */
export const OUTCOMES_KEPT_MAX = 10_000

interface Known {
  readonly outcome: Outcome
  /** When this process learnt it, on its own monotonic clock: wall clocks of two servers differ by any amount. */
  readonly sinceMs: number
}

/** The last outcomes of servers' own mutations, so that one which is called again does not run again (T28). */
export class ServerOutcomes {
  readonly #store: RemoteStore
  readonly #host: Host
  readonly #byUid = new Map<string, Known>()

  constructor(store: RemoteStore, host: Host) {
    this.#store = store
    this.#host = host
    for (const { entry } of store.serverOutcomes.iter()) this.#add(entry.uid, entry.outcome)
  }

  /** Durable with the flush that makes the mutation durable. */
  append(uid: string, outcome: Outcome): void {
    this.#store.serverOutcomes.append({ uid, outcome })
    this.#add(uid, outcome)
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

  #add(uid: string, outcome: Outcome): void {
    this.#byUid.set(uid, { outcome, sinceMs: this.#host.monotonicMs() })
  }

  /** The oldest come first. */
  #forgetOld(): void {
    const oldestMs = this.#host.monotonicMs() - OUTCOME_KEPT_MS
    for (const [uid, { sinceMs }] of this.#byUid) {
      if (sinceMs >= oldestMs && this.#byUid.size <= OUTCOMES_KEPT_MAX) return
      this.#byUid.delete(uid)
    }
  }
}
