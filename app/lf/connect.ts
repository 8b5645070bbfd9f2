"use client"

// Every tab must ask with the same options.
const options: WorkerOptions & { extendedLifetime: boolean } = {
  type: "module",
  name: "lf",
  // Lets the worker finish its writes after the last tab is gone; older type libraries do not know it.
  extendedLifetime: true,
}

/** The app owns the worker's file, so that the bundler finds it. Some browsers have no SharedWorker: there each tab brings a worker. */
export function connectWorker(): SharedWorker | Worker {
  return typeof SharedWorker === "undefined"
    ? new Worker(new URL("./worker.ts", import.meta.url), options)
    : new SharedWorker(new URL("./worker.ts", import.meta.url), options)
}
