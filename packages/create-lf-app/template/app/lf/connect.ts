/** In the app, not in a package, so that Next finds the worker's file and bundles it. */
export function connectWorker(): SharedWorker {
  // extendedLifetime lets the worker finish writing after the last tab is closed; TypeScript does not know it yet.
  const options: WorkerOptions & { extendedLifetime: boolean } = { type: "module", name: "lf", extendedLifetime: true }
  return new SharedWorker(new URL("./worker.ts", import.meta.url), options)
}
