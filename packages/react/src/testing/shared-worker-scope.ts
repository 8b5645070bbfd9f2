import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"

/** A port that a tab connects with, and what the worker posts to it. */
export class ScopePort {
  readonly heard: WorkerMessage[] = []
  onmessage: ((event: { data: TabMessage }) => void) | null = null

  postMessage(message: WorkerMessage): void {
    this.heard.push(message)
  }

  close(): void {}

  say(...messages: TabMessage[]): void {
    for (const data of messages) this.onmessage?.({ data })
  }
}

/** The global of a SharedWorker, for as long as a test puts it there: what it is made of, and what happens to it. */
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
