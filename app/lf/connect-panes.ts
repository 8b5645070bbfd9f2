"use client"

// Bundlers find a worker's file and its options only where they are written out.

export function connectLeft(): SharedWorker | Worker {
  if (typeof SharedWorker === "undefined")
    return new Worker(new URL("./pane-worker.ts", import.meta.url), { type: "module", name: "left" })
  return new SharedWorker(new URL("./pane-worker.ts", import.meta.url), { type: "module", name: "left" })
}

export function connectRight(): SharedWorker | Worker {
  if (typeof SharedWorker === "undefined")
    return new Worker(new URL("./pane-worker.ts", import.meta.url), { type: "module", name: "right" })
  return new SharedWorker(new URL("./pane-worker.ts", import.meta.url), { type: "module", name: "right" })
}
