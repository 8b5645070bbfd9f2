const options = {
  type: "module",
  name: "lf",
  // Lets the worker finish writing after the last tab is closed. TypeScript does not know it yet.
  extendedLifetime: true,
} as WorkerOptions

/**
 * In the app, not in a package, so that Next finds the worker's file and bundles it. Some browsers have no SharedWorker:
 * there each tab brings a worker, and one of them serves all tabs.
 */
export function connectWorker(): SharedWorker | Worker {
  return typeof SharedWorker === "undefined"
    ? new Worker(new URL("./worker.ts", import.meta.url), options)
    : new SharedWorker(new URL("./worker.ts", import.meta.url), options)
}
