import type { Host } from "../base/host.ts"
import { lsn } from "../base/lsn.ts"
import type { ClientList } from "./client-list.ts"
import { type MutationRef, refKey } from "./mutation-ref.ts"
import type { Attempt, RemoteStore } from "./remote-store.ts"

/** A mutation that was begun this often and never ended is rejected without being run. */
export const ATTEMPTS_MAX = 3
/** How long after a kill every group is journaled before it runs: connected clients are back by then, with their mutations. */
export const CAREFUL_MS = 60_000

/**
 * Finds the mutation that kills the process. After an unclean stop each group is journaled before it runs; a mutation that
 * was begun and is not applied at the next start is a suspect and runs alone. Without an unclean stop nothing is
 * journaled (T12).
 */
export class CrashQuarantine {
  readonly #store: RemoteStore
  readonly #host: Host
  readonly #carefulUntilMs: number
  /** How often each mutation was begun in earlier runs of the process and did not end. */
  readonly #begun = new Map<string, number>()
  readonly #notedNow = new Set<string>()

  /** `wasLetGo`: the last run ended without a kill, though it could not write so, as on a full disk. */
  constructor(store: RemoteStore, clients: ClientList, host: Host, wasLetGo: boolean) {
    this.#store = store
    this.#host = host
    const { attempts } = store
    const isOver = store.life.lsn() === 0 || store.life.entry(store.life.lsn()).isOver
    const wasKilled = !isOver && !wasLetGo
    if (!isOver && wasLetGo) this.forget()
    this.#carefulUntilMs = wasKilled ? host.monotonicMs() + CAREFUL_MS : 0
    if (!wasKilled) store.life.append({ isOver: false })
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

  /** How many mutations from the start of `waiting` may run together: a suspect runs alone. */
  together(waiting: readonly MutationRef[]): number {
    if (this.#begun.size === 0) return waiting.length
    const at = waiting.findIndex((ref) => this.#isSuspect(ref))
    return at === -1 ? waiting.length : Math.max(at, 1)
  }

  /** Journals and flushes that the group is begun, while the server is careful or a suspect is in it. */
  async begin(group: readonly MutationRef[]): Promise<void> {
    const isCareful = this.#host.monotonicMs() < this.#carefulUntilMs || group.some((ref) => this.#isSuspect(ref))
    // Once per run, however often a group's time is up before its last ones: a kill is what counts.
    const begun = isCareful ? group.filter((ref) => !this.#notedNow.has(refKey(ref))) : []
    if (begun.length === 0) return
    for (const ref of begun) this.#notedNow.add(refKey(ref))
    this.#store.attempts.append(rangesOf(begun))
    await this.#store.streams.flush()
  }

  /** Called when no mutation waits: all that were begun have ended. */
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

/** One range per client: its mutations in a group have consecutive positions. */
function rangesOf(group: readonly MutationRef[]): Attempt[] {
  const ranges = new Map<string, Attempt>()
  for (const { clientId, lsn: at } of group) {
    const range = ranges.get(clientId) ?? { clientId, from: at - 1, to: at }
    ranges.set(clientId, { ...range, to: at })
  }
  return [...ranges.values()]
}
