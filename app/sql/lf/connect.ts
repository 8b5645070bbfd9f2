"use client"

/** As connect.ts, for the worker of /sql. */
export function connectRows(): SharedWorker | Worker {
  if (typeof SharedWorker === "undefined")
    return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "rows" })
  return new SharedWorker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "rows",
    extendedLifetime: true,
  } as WorkerOptions)
}
