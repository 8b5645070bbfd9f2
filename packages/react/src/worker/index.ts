import { type Mutator, toLfError } from "@lf/core"
import { browserPlatform } from "../browser/browser-platform.ts"
import { portOf, type TabMessage, type WorkerMessage } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import { WorkerHost } from "./worker-host.ts"

interface SharedWorkerScope {
  onconnect: ((event: MessageEvent) => void) | null
  close(): void
  addEventListener(type: string, listener: () => void): void
}

/**
 * Turns this file into the app's worker: one for all tabs, with the databases, what is pending and the socket.
 * Call it at the top of `app/lf/worker.ts`.
 *
 * @example
 * import { startWorker } from "@lf/react/worker"
 * startWorker({ mutator })
 */
export function startWorker({ mutator }: { readonly mutator: Mutator }): void {
  // The DOM's types know windows only; a SharedWorker's global has just these.
  const scope = globalThis as unknown as SharedWorkerScope
  let host: WorkerHost | null = null
  // Set before anything else: a tab that connects while we load must not be missed.
  scope.onconnect = (event) => {
    const port = portOf<WorkerMessage, TabMessage>(event.ports[0])
    try {
      host ??= new WorkerHost({ mutator, platform: browserPlatform(), end: () => scope.close() })
      host.accept(port)
    } catch (error) {
      port.post({ type: "replaced", error: errorToSent(toLfError(error, "UNSUPPORTED")) })
    }
  }
}
