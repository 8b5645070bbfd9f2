import { LfError, type Outcome, type Receipt } from "@lf/core"
import type { MutationOutcome } from "@lf/core/internal"
import { deferred } from "@lf/core/internal"
import type { SentError, TabMessage } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"

type MutateMessage = Extract<TabMessage, { type: "mutate" }>

interface Waiting<Message, Value> {
  readonly message: Message
  readonly resolve: (value: Value) => void
  readonly reject: (error: LfError) => void
  /** The position among all calls. */
  readonly order: number
  ticks: number
  /** A live worker was sent it, and may have done it. */
  wasAsked: boolean
}

interface Followed {
  readonly remote: Promise<Outcome>
  readonly decide: (outcome: Outcome) => void
  isDecided: boolean
}

/** Ticks after which an unanswered call fails. They count time awake: a laptop may sleep for hours. */
const TICKS_MAX = 12
export const TICK_MS = 5_000

/** The tab's calls without an answer yet. All can be sent again to another worker; each settles once (H1). */
export class Calls {
  readonly #calls = new Map<number, Waiting<TabMessage, unknown>>()
  #made = 0
  /** Not known to be durable. */
  readonly #mutations = new Map<string, Waiting<MutateMessage, Receipt>>()
  /** Not decided by the server, durable or not. */
  readonly #followed = new Map<string, Followed>()

  open(call: number, message: TabMessage, wasAsked: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { message, resolve, reject, order: this.#made++, ticks: 0, wasAsked })
    })
  }

  openMutation(message: MutateMessage, wasAsked: boolean): Promise<Receipt> {
    const { uid } = message
    const { promise: remote, resolve: decide } = deferred<Outcome>()
    this.#followed.set(uid, { remote, decide, isDecided: false })
    return new Promise((resolve, reject) => {
      this.#mutations.set(uid, { message, resolve, reject, order: this.#made++, ticks: 0, wasAsked })
    })
  }

  settle(call: number, value: unknown, error: SentError | null): void {
    const waiting = this.#calls.get(call)
    this.#calls.delete(call)
    if (error === null) waiting?.resolve(value)
    else waiting?.reject(sentToError(error))
  }

  settleMutation(uid: string, error: SentError | null): void {
    const mutation = this.#mutations.get(uid)
    if (mutation === undefined) return
    this.#mutations.delete(uid)
    const followed = this.#followed.get(uid)
    if (followed?.isDecided) this.#followed.delete(uid)
    if (error === null) mutation.resolve({ uid, remote: followed?.remote ?? Promise.resolve(FORGOTTEN) })
    else this.#refuse(mutation, sentToError(error))
  }

  decide(outcomes: readonly MutationOutcome[]): void {
    for (const { uid, outcome } of outcomes) {
      const followed = this.#followed.get(uid)
      if (followed === undefined) continue
      followed.decide(outcome)
      followed.isDecided = true
      // What is not known to be durable still resolves with this very promise.
      if (!this.#mutations.has(uid)) this.#followed.delete(uid)
    }
  }

  /** A call waits for the worker itself, not for the server. */
  get isWaiting(): boolean {
    return this.#calls.size > 0 || this.#mutations.size > 0
  }

  /** A durable mutation waits for the server. */
  get isFollowing(): boolean {
    return this.#followed.size > this.#mutations.size
  }

  /**
   * The calls to send again, in their order: a `clear` must not come after a later write. What is durable is only
   * followed, so that nothing runs twice.
   */
  unanswered(): TabMessage[] {
    this.#settleDecided()
    const uids = [...this.#followed.keys()].filter((uid) => !this.#mutations.has(uid))
    const calls = [...this.#mutations.values(), ...this.#calls.values()].sort((a, b) => a.order - b.order)
    return [
      ...(uids.length === 0 ? [] : [{ type: "follow" as const, uids }]),
      ...calls.map(({ message }): TabMessage => message),
    ]
  }

  /** The server's decision came, the receipt was lost with the worker: sent again it could run twice (I9). */
  #settleDecided(): void {
    for (const uid of [...this.#mutations.keys()])
      if (this.#followed.get(uid)?.isDecided) this.settleMutation(uid, null)
  }

  /** TICK_MS have passed. Calls that waited too long end with `error`. */
  tick(error: LfError): void {
    for (const [id, call] of this.#calls) {
      call.ticks++
      if (call.ticks < TICKS_MAX) continue
      this.#calls.delete(id)
      call.reject(error)
    }
    for (const [uid, mutation] of this.#mutations) {
      mutation.ticks++
      if (mutation.ticks < TICKS_MAX) continue
      this.#mutations.delete(uid)
      this.#refuse(mutation, error)
    }
  }

  /** A live worker has all pending calls. */
  markAsked(): void {
    for (const call of this.#calls.values()) call.wasAsked = true
    for (const mutation of this.#mutations.values()) mutation.wasAsked = true
  }

  /** Calls that no worker was sent did not happen, and will not: they end with `error`. */
  failUnasked(error: LfError): void {
    this.#failIf(({ wasAsked }) => !wasAsked, error)
  }

  failAll(error: LfError): void {
    this.#failIf(() => true, error)
  }

  #failIf(isOver: (one: { readonly wasAsked: boolean }) => boolean, error: LfError): void {
    const calls = [...this.#calls].filter(([, call]) => isOver(call))
    const mutations = [...this.#mutations].filter(([, mutation]) => isOver(mutation))
    for (const [id] of calls) this.#calls.delete(id)
    for (const [uid] of mutations) this.#mutations.delete(uid)
    for (const [, call] of calls) call.reject(error)
    for (const [, mutation] of mutations) this.#refuse(mutation, error)
  }

  /** The server's decisions cannot be received any more. */
  forgetFollowed(): void {
    for (const [uid, { decide }] of this.#followed) {
      if (this.#mutations.has(uid)) continue
      this.#followed.delete(uid)
      decide(FORGOTTEN)
    }
  }

  #refuse({ message, reject }: Waiting<MutateMessage, Receipt>, error: LfError): void {
    this.#followed.delete(message.uid)
    reject(error)
  }
}

const FORGOTTEN: Outcome = { type: "unknown", reason: "forgotten" }

/** The error of a call that was not answered. */
export function noAnswer(): LfError {
  const seconds = (TICKS_MAX * TICK_MS) / 1000
  return new LfError("WORKER_FAILED", `no answer from the worker for ${seconds} s; it may still do what was asked`)
}
