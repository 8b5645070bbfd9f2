"use client"

/** The app owns the worker's file, so that the bundler finds it. Every tab must ask with the same options. */
export function connectWorker(): SharedWorker {
  // `extendedLifetime` lets the worker finish its writes after the last tab is gone; older type libraries do not know it.
  const options: WorkerOptions & { extendedLifetime: boolean } = { type: "module", name: "lf", extendedLifetime: true }
  return new SharedWorker(new URL("./worker.ts", import.meta.url), options)
}
