import type { LfError, RemoteOutcome } from "@lf/core"
import type { SentError, TabMessage } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"

/** What `mutate` promises: durable here when the promise resolves, decided by the server when `remote` does. */
export interface Receipt {
  readonly uid: string
  /** Never rejects. */
  readonly remote: Promise<RemoteOutcome>
}

type MutateMessage = Extract<TabMessage, { type: "mutate" }>

interface Call {
  readonly message: TabMessage
  readonly resolve: (value: unknown) => void
  readonly reject: (error: LfError) => void
}

interface MutationCall {
  readonly message: MutateMessage
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: LfError) => void
  readonly remote: Promise<RemoteOutcome>
  readonly decide: (outcome: RemoteOutcome) => void
  isDurable: boolean
  decided: RemoteOutcome | null
}

/** What a tab asked and has no answer to yet. All of it can be asked again at another worker. */
export class Calls {
  readonly #calls = new Map<number, Call>()
  readonly #mutations = new Map<string, MutationCall>()

  open(call: number, message: TabMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { message, resolve, reject })
    })
  }

  openMutation(message: MutateMessage): Promise<Receipt> {
    let decide: MutationCall["decide"] = () => {}
    const remote = new Promise<RemoteOutcome>((resolve) => {
      decide = resolve
    })
    return new Promise((resolve, reject) => {
      this.#mutations.set(message.uid, { message, resolve, reject, remote, decide, isDurable: false, decided: null })
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
    if (error !== null) {
      this.#mutations.delete(uid)
      mutation.reject(sentToError(error))
      return
    }
    mutation.isDurable = true
    mutation.resolve({ uid, remote: mutation.remote })
    this.#forgetDecided(uid, mutation)
  }

  decide(uid: string, outcome: RemoteOutcome): void {
    const mutation = this.#mutations.get(uid)
    if (mutation === undefined) return
    mutation.decided = outcome
    mutation.decide(outcome)
    this.#forgetDecided(uid, mutation)
  }

  forget(uid: string): void {
    this.#mutations.delete(uid)
  }

  /** Something waits for the worker itself, not for the server. */
  get isWaiting(): boolean {
    return this.#calls.size > 0 || [...this.#mutations.values()].some(({ isDurable }) => !isDurable)
  }

  /** To be sent again, in order: what is durable is only followed, so that nothing can run twice. */
  unanswered(): TabMessage[] {
    const mutations = Array.from(this.#mutations.values(), ({ message, isDurable }): TabMessage => {
      return isDurable ? { type: "follow", uid: message.uid } : message
    })
    return [...mutations, ...Array.from(this.#calls.values(), ({ message }) => message)]
  }

  failAll(error: LfError): void {
    for (const call of this.#calls.values()) call.reject(error)
    for (const mutation of this.#mutations.values()) if (!mutation.isDurable) mutation.reject(error)
    this.#calls.clear()
    this.#mutations.clear()
  }

  #forgetDecided(uid: string, mutation: MutationCall): void {
    if (mutation.isDurable && mutation.decided !== null) this.#mutations.delete(uid)
  }
}
