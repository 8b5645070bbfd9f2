import { LfError } from "@lf/core"
import { type Port, portOf, type TabMessage, type WorkerMessage } from "../rpc/protocol.ts"
import { BroughtWorker } from "./brought-worker.ts"

/**
 * Makes the app's worker. Where it makes a `Worker`, each tab brings one, and one of them serves all tabs: for browsers
 * without SharedWorker. The same function for all documents: another one brings another worker.
 */
export type WorkerFactory = () => SharedWorker | Worker

/** The workers that this tab brought, each for all documents of its factory. */
const brought = new WeakMap<WorkerFactory, BroughtWorker>()

/**
 * A port to the worker that serves this tab. `onFailed`: the worker's script could not be loaded.
 * @throws UNSUPPORTED when this page cannot have one; the message says why
 * @throws WORKER_FAILED when its script's origin may not start a worker here
 */
export function connectToWorker(factory: WorkerFactory, onFailed: () => void): Port<TabMessage, WorkerMessage> {
  const known = brought.get(factory)
  if (known !== undefined && !known.isOver) return known.connect(onFailed)
  const worker = makeWorker(factory)
  if ("port" in worker) {
    worker.onerror = onFailed
    return portOf(worker.port)
  }
  const made = new BroughtWorker(worker)
  brought.set(factory, made)
  return made.connect(onFailed)
}

function makeWorker(factory: WorkerFactory): SharedWorker | Worker {
  // An insecure origin has no Web Locks and no OPFS. Next prints such an address as "Network".
  if (globalThis.isSecureContext === false)
    throw new LfError("UNSUPPORTED", "expected a page of https or localhost, got one of plain http")
  try {
    return factory()
  } catch (cause) {
    if (typeof SharedWorker === "undefined") {
      const lack =
        typeof Worker === "undefined"
          ? "expected a browser with Worker or SharedWorker, got one with neither"
          : "expected a browser with SharedWorker, got one without: let `worker` make a Worker there"
      throw new LfError("UNSUPPORTED", lack, { cause })
    }
    const isElsewhere = cause instanceof DOMException && cause.name === "SecurityError"
    const remedy = isElsewhere
      ? ". A worker's script must come from the page's own origin: with an assetPrefix set turbopackWorkerAssetPrefix to an empty text"
      : ""
    throw new LfError("WORKER_FAILED", `the worker was not made: ${String(cause)}${remedy}`, { cause })
  }
}
