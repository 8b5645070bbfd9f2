import {
  type CandidateMessage,
  channelPort,
  type DeposeMessage,
  type ElectionMessage,
  electionChannel,
  servingLock,
} from "../rpc/election.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"

/** The part of a dedicated worker's global that is used here: the DOM's types cover windows only. */
export interface DedicatedScope {
  onmessage: ((event: MessageEvent<DeposeMessage>) => void) | null
  postMessage(message: CandidateMessage): void
}

/** Serves the tabs of the origin, from its making on. */
export interface TabsServer {
  accept(port: Port<WorkerMessage, TabMessage>): void
  /** Another worker serves now: its documents are closed, and its tabs connect again. */
  retire(): Promise<void>
}

/**
 * A dedicated worker that a tab has brought. It waits for its turn, and then serves all tabs of its script until its tab is
 * gone, or until it was silent for so long that another one takes its place: then the logs' fences refuse what it still writes
 * (T21), and it waits again.
 */
export class Candidate {
  readonly #script: string
  readonly #channel: BroadcastChannel
  readonly #serve: () => TabsServer
  /** Those that it serves, or that asked while it was frozen. */
  readonly #ports = new Set<Port<WorkerMessage, TabMessage>>()
  #wait = new AbortController()

  /** `script`: one of the workers of this name serves; their tabs share it. */
  constructor(scope: DedicatedScope, script: string, serve: () => TabsServer) {
    this.#script = script
    this.#serve = serve
    this.#channel = electionChannel(this.#script)
    scope.onmessage = () => {
      this.#wait.abort()
      void this.#stand({ steal: true })
    }
    void this.#waitForTurn()
    scope.postMessage({ type: "candidate", script: this.#script })
  }

  /** Every tab makes its worker anew. */
  renew(): void {
    this.#say({ type: "renew" })
  }

  async #waitForTurn(): Promise<void> {
    this.#wait = new AbortController()
    await this.#stand({ signal: this.#wait.signal })
  }

  async #stand(options: LockOptions): Promise<void> {
    let server: TabsServer | null = null
    try {
      await navigator.locks.request(servingLock(this.#script), options, () => {
        server = this.#serve()
        this.#listen(server)
        // Until the tab is gone, or the lock is stolen.
        return new Promise<never>(() => {})
      })
    } catch {
      // It waits no more, since it takes its turn by force.
      if (server === null) return
      this.#channel.onmessage = null
      await (server as TabsServer).retire()
      this.#closePorts()
      void this.#waitForTurn()
    }
  }

  #listen(server: TabsServer): void {
    this.#channel.onmessage = ({ data }: MessageEvent<ElectionMessage>) => {
      if (data.type === "connect") server.accept(this.#open(data.port))
    }
    this.#say({ type: "serves" })
  }

  #open(name: string): Port<WorkerMessage, TabMessage> {
    const channel = channelPort<WorkerMessage, TabMessage>(name)
    const port = {
      ...channel,
      close: () => {
        this.#ports.delete(port)
        channel.close()
      },
    }
    this.#ports.add(port)
    return port
  }

  /** It answers no ping any more: a tab would take it for the worker that serves. */
  #closePorts(): void {
    for (const port of [...this.#ports]) {
      port.post({ type: "restarting" })
      port.close()
    }
  }

  #say(message: ElectionMessage): void {
    this.#channel.postMessage(message)
  }
}
