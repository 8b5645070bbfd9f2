import { LfError } from "@lf/core"
import type { Cancel } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"
import type { DevtoolsAnswers, DevtoolsQuestion, DevtoolsReply } from "../rpc/devtools-protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import type { WorkerFactory } from "../tab/make-worker.ts"
import { WorkerConnection } from "../tab/worker-connection.ts"

/** A question is answered within a second or two; an export of many pages takes longer. */
const ANSWER_MS_MAX = 20_000

interface Asked {
  readonly question: DevtoolsQuestion
  readonly resolve: (value: unknown) => void
  readonly reject: (error: LfError) => void
  readonly cancel: Cancel
}

/** The panel's own port to the worker: no document depends on it. */
export class DevtoolsConnection {
  readonly #asked = new Map<number, Asked>()
  readonly #connection: WorkerConnection
  #calls = 0

  constructor(worker: WorkerFactory) {
    this.#connection = new WorkerConnection({
      opened: () => this.#askAgain(),
      received: (message) => {
        if (message.type === "devtools") this.#settle(message.call, message.reply)
      },
      alive: () => {},
      failed: (error) => this.#failAll(error),
      recovered: () => {},
    })
    this.#connection.open(worker)
  }

  /** @throws what the worker could not do, and WORKER_FAILED when it does not answer */
  ask<Question extends DevtoolsQuestion>(question: Question): Promise<DevtoolsAnswers[Question["type"]]> {
    const call = ++this.#calls
    const answer = new Promise<unknown>((resolve, reject) => {
      const cancel = browserHost.after(ANSWER_MS_MAX, () => {
        this.#asked.delete(call)
        const why = "the worker does not answer the devtools: is it built for development, with startWorker()?"
        reject(new LfError("WORKER_FAILED", why))
      })
      this.#asked.set(call, { question, resolve, reject, cancel })
    })
    this.#connection.post({ type: "devtools", call, question })
    return answer as Promise<DevtoolsAnswers[Question["type"]]> // the worker answers in kind
  }

  close(): void {
    this.#connection.post({ type: "devtools", call: ++this.#calls, question: { type: "stop" } })
    this.#failAll(new LfError("LOG_CLOSED", "the devtools were closed"))
    this.#connection.close()
  }

  #askAgain(): void {
    for (const [call, { question }] of this.#asked) this.#connection.post({ type: "devtools", call, question })
  }

  #settle(call: number, reply: DevtoolsReply): void {
    const asked = this.#asked.get(call)
    this.#asked.delete(call)
    asked?.cancel()
    if (reply.type === "answer") asked?.resolve(reply.value)
    else asked?.reject(sentToError(reply.error))
  }

  #failAll(error: LfError): void {
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const { cancel, reject } of asked) {
      cancel()
      reject(error)
    }
  }
}
