import { LfError } from "@lf/core"

/**
 * The app's worker.
 * @throws UNSUPPORTED when this page cannot have one; the message says why
 * @throws WORKER_FAILED when its script's origin may not start a worker here
 */
export function makeWorker(factory: () => SharedWorker): SharedWorker {
  // An insecure origin has no Web Locks and no OPFS. Next prints such an address as "Network".
  if (globalThis.isSecureContext === false)
    throw new LfError("UNSUPPORTED", "expected a page of https or localhost, got one of plain http")
  try {
    return factory()
  } catch (cause) {
    if (typeof SharedWorker === "undefined")
      throw new LfError("UNSUPPORTED", "expected a browser with SharedWorker, got one without", { cause })
    const isElsewhere = cause instanceof DOMException && cause.name === "SecurityError"
    const remedy = isElsewhere
      ? ". A worker's script must come from the page's own origin: with an assetPrefix set turbopackWorkerAssetPrefix to an empty text"
      : ""
    throw new LfError("WORKER_FAILED", `the worker was not made: ${String(cause)}${remedy}`, { cause })
  }
}
