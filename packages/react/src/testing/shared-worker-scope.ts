import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"

/** A port that a tab connects with, and what the worker posted to it. */
export class ScopePort {
  readonly received: WorkerMessage[] = []
  onmessage: ((event: { data: TabMessage }) => void) | null = null

  postMessage(message: WorkerMessage): void {
    this.received.push(message)
  }

  close(): void {}

  say(...messages: TabMessage[]): void {
    for (const data of messages) this.onmessage?.({ data })
  }
}

/** A SharedWorker's global for a test, with its events. */
export function sharedWorkerScope() {
  const listeners = new Map<string, (event: unknown) => void>()
  const closed: string[] = []
  const locks = {
    request: (name: string, run: () => unknown) => {
      if (!name.startsWith("lf/1/life/")) return Promise.reject(new Error("no locks here"))
      return run()
    },
  }
  const globals = {
    SharedWorkerGlobalScope: class {},
    addEventListener: (type: string, listener: (event: unknown) => void) => void listeners.set(type, listener),
    close: () => void closed.push("closed"),
    navigator: { locks },
    onconnect: null,
  }
  const connect = <P extends ScopePort>(port: P): P => {
    const scope = globalThis as unknown as { onconnect: ((event: { ports: P[] }) => void) | null }
    scope.onconnect?.({ ports: [port] })
    return port
  }
  return { globals, listeners, closed, connect }
}
