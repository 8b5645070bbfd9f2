import { LfError } from "@lf/core"

/**
 * The app's worker.
 * @throws UNSUPPORTED when this page cannot have one; the message says why
 */
export function makeWorker(factory: () => SharedWorker): SharedWorker {
  // Without one there are no Web Locks and no OPFS. Next prints such an address as "Network".
  if (globalThis.isSecureContext === false) throw new LfError("UNSUPPORTED", "lf needs https or localhost")
  try {
    return factory()
  } catch (cause) {
    const isMissing = typeof SharedWorker === "undefined"
    const why = isMissing ? "this browser has no SharedWorker" : `the worker was not made: ${String(cause)}`
    throw new LfError("UNSUPPORTED", why, { cause })
  }
}
