"use client"

/**
 * In the app, not in a package, so that the bundler finds the worker's file. Some browsers have no SharedWorker: there each
 * tab brings a worker, and one of them serves all tabs.
 */
export function connectWorker(): SharedWorker | Worker {
  if (typeof SharedWorker === "undefined")
    return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "lf" })
  return new SharedWorker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "lf",
    // Lets the worker finish writing after the last tab is closed. TypeScript does not know it yet.
    extendedLifetime: true,
  } as WorkerOptions)
}
