import type { Host } from "../base/host.ts"
import { lsn } from "../base/lsn.ts"
import type { ClientList } from "./client-list.ts"
import { type MutationRef, refKey } from "./mutation-ref.ts"
import type { Attempt, RemoteStore } from "./remote-store.ts"

/** A mutation that was begun so often and never ended is rejected without being run. */
export const ATTEMPTS_MAX = 3
/** How long a server that was killed is careful: clients that were connected are back by then, with what they sent. */
export const CAREFUL_MS = 60_000

/**
 * Finds the mutation that kills the process (T12). It cannot be caught at it, so after an unclean stop each group is
 * journaled before it runs; what was begun and is not applied at the next start is suspect and runs alone. Without an
 * unclean stop none of this costs anything.
 */
export class CrashQuarantine {
  readonly #store: RemoteStore
  readonly #host: Host
  readonly #carefulUntilMs: number
  /** How often each mutation was begun in earlier lives and did not end. */
  readonly #begun = new Map<string, number>()
  readonly #notedNow = new Set<string>()

  constructor(store: RemoteStore, clients: ClientList, host: Host) {
    this.#store = store
    this.#host = host
    const { life, attempts } = store
    const wasKilled = life.lsn() > 0 && !life.entry(life.lsn()).isOver
    this.#carefulUntilMs = wasKilled ? host.monotonicMs() + CAREFUL_MS : 0
    if (!wasKilled) life.append({ isOver: false })
    for (const { entry } of attempts.iter()) {
      for (const { clientId, from, to } of entry) {
        for (let at = Math.max(from, clients.journal(clientId).applied) + 1; at <= to; at++) {
          const ref = { clientId, lsn: lsn(at) }
          this.#begun.set(refKey(ref), this.#countOf(ref) + 1)
        }
      }
    }
  }

  isQuarantined(ref: MutationRef): boolean {
    return this.#countOf(ref) >= ATTEMPTS_MAX
  }

  /** How many of the first of these may run together: a suspect runs alone. */
  together(waiting: readonly MutationRef[]): number {
    if (this.#begun.size === 0) return waiting.length
    const at = waiting.findIndex((ref) => this.#isSuspect(ref))
    return at === -1 ? waiting.length : Math.max(at, 1)
  }

  /** Keeps that these are begun, durably and with everything before it, if they might not end. */
  async begin(group: readonly MutationRef[]): Promise<void> {
    const isCareful = this.#host.monotonicMs() < this.#carefulUntilMs || group.some((ref) => this.#isSuspect(ref))
    if (!isCareful || group.every((ref) => this.#notedNow.has(refKey(ref)))) return
    for (const ref of group) this.#notedNow.add(refKey(ref))
    this.#store.attempts.append(rangesOf(group))
    await this.#store.streams.flush()
  }

  /** Nothing waits: what was begun has ended. */
  forget(): void {
    const { attempts } = this.#store
    this.#begun.clear()
    this.#notedNow.clear()
    attempts.rollup(attempts.lsn())
  }

  #countOf(ref: MutationRef): number {
    return this.#begun.get(refKey(ref)) ?? 0
  }

  #isSuspect(ref: MutationRef): boolean {
    return this.#countOf(ref) > 0 && !this.isQuarantined(ref)
  }
}

/** Each client's part of a group is one run of positions. */
function rangesOf(group: readonly MutationRef[]): Attempt[] {
  const ranges = new Map<string, Attempt>()
  for (const { clientId, lsn: at } of group) {
    const range = ranges.get(clientId) ?? { clientId, from: at - 1, to: at }
    ranges.set(clientId, { ...range, to: at })
  }
  return [...ranges.values()]
}
