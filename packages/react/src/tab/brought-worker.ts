import { type Cancel, deferred } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"
import {
  type CandidateMessage,
  channelPort,
  type DeposeMessage,
  type ElectionMessage,
  electionChannel,
} from "../rpc/election.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"

/** A serving worker that says nothing for so long to a tab that asks is frozen: another one takes its place. */
export const SILENT_MS_MAX = 4_000
/** Tabs that notice it together do not act together. */
const JITTER_MS = 1_000

/**
 * The dedicated worker that this tab brings, where the browser has no SharedWorker. One of those that the tabs have brought
 * serves all of them.
 */
export class BroughtWorker {
  readonly #worker: Worker
  readonly #script = deferred<string>()
  readonly #waiting = new Set<() => void>()
  readonly #failed = new Set<() => void>()
  #runs = false
  #channel: BroadcastChannel | null = null
  #cancelDepose: Cancel | null = null
  /** Its script could not be loaded, or newer code replaces it. */
  isOver = false

  constructor(worker: Worker) {
    this.#worker = worker
    worker.onmessage = ({ data }: MessageEvent<CandidateMessage>) => this.#start(data.script)
    // Later ones are reported by the worker that serves.
    worker.onerror = () => {
      if (!this.#runs) this.#end(this.#failed)
    }
  }

  /** A port to the worker that serves. `onFailed`: the script could not be loaded. */
  connect(onFailed: () => void): Port<TabMessage, WorkerMessage> {
    let attempt: Port<TabMessage, WorkerMessage>
    let listener: (message: WorkerMessage) => void = () => {}
    /** What the tab says before the other end is there. */
    let early: TabMessage[] | null = []
    const stop = () => {
      this.#failed.delete(onFailed)
      this.#waiting.delete(ask)
    }
    // Each attempt has a name of its own: what is sent to a worker that ended meanwhile must not be lost at the next one.
    const ask = () => {
      attempt?.close()
      const name = crypto.randomUUID()
      const port = channelPort<TabMessage, WorkerMessage>(name)
      attempt = port
      port.listen((message) => {
        this.#received()
        const posted = early ?? []
        early = null
        stop()
        for (const one of posted) port.post(one)
        listener(message)
      })
      void this.#script.promise.then(() => {
        if (attempt === port) this.#say({ type: "connect", port: name })
      })
    }
    this.#failed.add(onFailed)
    this.#waiting.add(ask)
    ask()
    this.#expectMessage()
    return {
      post: (message) => {
        if (early === null) attempt.post(message)
        else early.push(message)
      },
      listen: (given) => {
        listener = given
      },
      close: () => {
        stop()
        attempt.close()
      },
    }
  }

  #start(script: string): void {
    this.#runs = true
    this.#channel = electionChannel(script)
    this.#channel.onmessage = ({ data }: MessageEvent<ElectionMessage>) => {
      if (data.type === "renew") this.#end(new Set())
      if (data.type !== "serves") return
      this.#received()
      for (const ask of this.#waiting) ask()
    }
    this.#script.resolve(script)
    if (this.#waiting.size > 0) this.#expectMessage()
  }

  #say(message: ElectionMessage): void {
    this.#channel?.postMessage(message)
  }

  #received(): void {
    this.#cancelDepose?.()
    this.#cancelDepose = null
  }

  /** A message of the serving worker is expected from now on. */
  #expectMessage(): void {
    if (!this.#runs || this.#cancelDepose !== null) return
    this.#cancelDepose = browserHost.after(SILENT_MS_MAX + Math.random() * JITTER_MS, () => {
      this.#cancelDepose = null
      if (this.#waiting.size > 0) this.#worker.postMessage({ type: "depose" } satisfies DeposeMessage)
    })
  }

  #end(listeners: ReadonlySet<() => void>): void {
    this.isOver = true
    this.#received()
    this.#channel?.close()
    this.#channel = null
    this.#worker.terminate()
    for (const onFailed of [...listeners]) onFailed()
  }
}
