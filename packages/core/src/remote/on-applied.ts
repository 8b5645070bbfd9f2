import type { Host } from "../base/host.ts"
import { LSN_ZERO, type Lsn, nextLsn } from "../base/lsn.ts"
import { backoffMs, Sleep } from "../base/wait.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import type { ClientList } from "./client-list.ts"
import { DeliveryMarks } from "./delivery-marks.ts"
import type { ClientOutcome } from "./mutation-ref.ts"
import type { RemoteStore } from "./remote-store.ts"

/** One applied mutation, as `onApplied` gets it. */
export interface Effect {
  readonly clientId: string
  readonly lsn: Lsn
  readonly uid: string
  readonly name: string
  readonly args: unknown
  /** The authenticated user; null: anonymous. */
  readonly user: string | null
}

export type OnApplied = (effect: Effect) => void | Promise<void>

/** The pause after a failure doubles from the first to the second. */
const RETRY_MS = { minMs: 250, maxMs: 60_000 }
/** After this time of effects the queue yields to the process's other work. */
const SLICE_MS = 10
/** How long a close waits for the running effect, which may wait for the document. Later it is delivered again. */
export const EFFECT_CLOSE_MS_MAX = 5_000

/**
 * Calls `onApplied` for each mutation that is applied and durable: in the order of application, which is that of arrivals,
 * one at a time, at least once (S19). What is due is derived from arrivals, journals and marks (T5).
 */
export class OnAppliedQueue {
  readonly marks: DeliveryMarks
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #host: Host
  readonly #onApplied: OnApplied
  /** Requests a flush. */
  readonly #wake: () => void
  /** Per client, the last position that is applied and durable. */
  readonly #durable: Map<string, Lsn>
  /** Arrivals up to this position were delivered. */
  #done: Lsn
  #failures = 0
  #running: Promise<void> | null = null
  #isStopped = false
  #isOver = false
  readonly #pause: Sleep

  constructor(options: {
    store: RemoteStore
    clients: ClientList
    host: Host
    onApplied: OnApplied
    wake: () => void
  }) {
    this.#store = options.store
    this.#clients = options.clients
    this.#host = options.host
    this.#pause = new Sleep(options.host)
    this.#onApplied = options.onApplied
    this.#wake = options.wake
    this.#done = options.store.arrivals.start()
    this.#durable = new Map(options.clients.applied())
    this.marks = new DeliveryMarks(options.store, options.clients)
  }

  /** Arrivals up to this position are no longer needed. */
  done(): Lsn {
    return this.#done
  }

  /** Called when these outcomes are durable. */
  settle(decided: readonly ClientOutcome[]): void {
    for (const { clientId, lsn: at } of decided) this.#durable.set(clientId, at)
    if (this.#running === null && !this.#isStopped) void this.#run()
  }

  forgetClient(clientId: string): void {
    this.#durable.delete(clientId)
    this.marks.forgetClient(clientId)
  }

  /** Starts no further effect. Resolves when the running one is marked, or after EFFECT_CLOSE_MS_MAX. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#pause.wake()
    let cancel = () => {}
    const isLate = new Promise<void>((resolve) => {
      cancel = this.#host.after(EFFECT_CLOSE_MS_MAX, resolve)
    })
    await Promise.race([this.#running, isLate])
    cancel()
    this.#isOver = true
  }

  #run(): Promise<void> {
    const run = async () => {
      let endMs = this.#host.monotonicMs() + SLICE_MS
      for (let next = this.#next(); next !== null && !this.#isStopped; next = this.#next()) {
        await this.#deliver(next)
        if (this.#host.monotonicMs() < endMs) continue
        await this.#host.yieldToLoop?.()
        endMs = this.#host.monotonicMs() + SLICE_MS
      }
      this.#running = null
    }
    // Started in a later microtask, so that `#running` is set before it ends.
    this.#running = Promise.resolve().then(run)
    return this.#running
  }

  async #deliver(effect: Effect): Promise<void> {
    try {
      await this.#onApplied(effect)
      if (this.#isOver) return
      this.marks.noteDelivered(effect.clientId, effect.lsn)
      this.#failures = 0
      this.#wake()
    } catch {
      // The effect threw, or could not be marked: it is delivered again.
      if (!this.#isStopped) await this.#pause.for(backoffMs(this.#failures++, RETRY_MS))
    }
  }

  /** The earliest effect that is due; rejected mutations are skipped. */
  #next(): Effect | null {
    const { arrivals } = this.#store
    while (this.#done < arrivals.lsn()) {
      const { clientId, to, user } = arrivals.entry(nextLsn(this.#done))
      const at = nextLsn(this.marks.delivered(clientId))
      if (at > to) this.#done = nextLsn(this.#done)
      else if (at > (this.#durable.get(clientId) ?? LSN_ZERO)) return null
      else if (!this.marks.skip(clientId, at)) {
        // A copy: the app may change it, the journal stays as it is.
        const { uid, name, args } = mutationCodec.decode(
          mutationCodec.encode(this.#clients.journal(clientId).entry(at)),
        )
        return { clientId, lsn: at, uid, name, args, user }
      }
    }
    return null
  }
}
