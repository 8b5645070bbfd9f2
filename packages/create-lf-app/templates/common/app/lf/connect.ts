/** In the app, not in a package, so that Next finds the worker's file and bundles it. */
export function connectWorker(): SharedWorker {
  return new SharedWorker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "lf",
    // Lets the worker finish writing after the last tab is closed. TypeScript does not know it yet.
    extendedLifetime: true,
  } as WorkerOptions)
}
