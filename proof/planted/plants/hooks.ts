// Faults between the worker and the page.
import type { Plant } from "./plant.ts"

export const hooks: readonly Plant[] = [
  {
    name: "a late handler writes into the document of now",
    edits: [
      {
        file: "hooks/use-mutation.ts",
        find: `receipt: post({ handle, mutation,`,
        replace: `receipt: post({ handle: latest.current.handle, mutation,`,
      },
    ],
  },
  {
    name: "what suspends is connected by a commit",
    edits: [
      {
        file: "hooks/document-handle.ts",
        find: `    if (this.#options !== null) this.#binding.offer(this, this.#options)
`,
        replace: ``,
      },
    ],
  },
  {
    name: "a port is closed under a call",
    edits: [
      {
        file: "tab/tab-document.ts",
        find: `this.#queries.size > 0 || this.#calls.isWaiting
`,
        replace: `this.#queries.size > 0
`,
      },
    ],
  },
  {
    name: "the next worker is not asked again",
    edits: [
      {
        file: "tab/tab-document.ts",
        find: `    for (const message of this.#calls.unanswered()) post(message)
`,
        replace: ``,
      },
    ],
  },
  {
    name: "queries are not asked again",
    edits: [
      {
        file: "tab/tab-document.ts",
        find: `    this.#queries.askAgain()
`,
        replace: `    if (this.#providers === 0) this.#queries.askAgain()
`,
      },
    ],
  },
  {
    name: "a disabled query is live",
    edits: [
      {
        file: "hooks/live-key.ts",
        find: `    for (const query of this.#cached) if (query.isActive()) return true`,
        replace: `    for (const query of this.#cached) if (query.observers.length > 0) return true`,
      },
      {
        file: "hooks/live-key.ts",
        find: `      if (query.isActive()) this.#show(query, this.#rows)`,
        replace: `      if (query.isActive() || query.observers.length > 0) this.#show(query, this.#rows)`,
      },
    ],
  },
  {
    name: "a refetch after an error is not answered",
    edits: [
      {
        file: "hooks/live-key.ts",
        find: `    for (const { reject } of answered) reject(error)
`,
        replace: ``,
      },
    ],
  },
  {
    name: "nothing stops a query",
    edits: [
      {
        file: "tab/tab-queries.ts",
        find: `        if (this.#entries.delete(id)) this.#post({ type: "unsubscribe", id })`,
        replace: `        this.#entries.delete(id)`,
      },
      {
        file: "worker/tab-port.ts",
        find: `    for (const subscription of this.#subscriptions.values()) subscription?.stop()
`,
        replace: ``,
      },
    ],
  },
  {
    name: "a cache that was cleared keeps its subscriptions",
    edits: [
      {
        file: "hooks/query-binding.ts",
        find: `      this.#liveKeyByQuery.get(query)?.remove(query)
`,
        replace: ``,
      },
    ],
  },
  {
    name: "an answer of a document that is being cleared counts",
    edits: [
      {
        file: "worker/tab-port.ts",
        find: `new Set(["decided", "restarting"])`,
        replace: `new Set(["decided", "restarting", "mutated"])`,
      },
      {
        file: "worker/open-document.ts",
        find: `    return this.#cleared === null ? await work(local) : await new Promise<never>(() => {})`,
        replace: `    return await work(local)`,
      },
    ],
  },
  {
    name: "a decision before the receipt is followed for ever",
    edits: [
      {
        file: "tab/calls.ts",
        find: `    if (followed?.isDecided) this.#followed.delete(uid)
`,
        replace: ``,
      },
    ],
  },
  {
    name: "a call runs again after its log went over",
    edits: [
      {
        file: "worker/tab-port.ts",
        find: `        this.#document.checkNotMoved(local, uid)
`,
        replace: ``,
      },
    ],
  },
  {
    name: "a dead worker whose locks live on is believed",
    edits: [
      {
        file: "tab/worker-connection.ts",
        find: `      else if (silentPings < SILENT_PINGS_MAX) this.#ping(silentPings + 1)
      else this.reconnect()`,
        replace: `      else this.#ping(1)`,
      },
    ],
  },
  {
    name: "a script that does not load is given up",
    edits: [
      {
        file: "tab/worker-connection.ts",
        find: `    this.#stopTimer = browserHost.after(delayMs, () => this.#connect())
`,
        replace: `    if (delayMs <= RELOAD_MS_MIN) this.#stopTimer = browserHost.after(delayMs, () => this.#connect())
`,
      },
    ],
  },
  {
    name: "what a worker was asked is called undone",
    edits: [
      {
        file: "tab/tab-document.ts",
        find: `    if (how !== "silent") this.#calls.failUnasked(error)`,
        replace: `    if (how !== "silent") this.#calls.failAll(error)`,
      },
    ],
  },
  {
    name: "a refresh is never answered",
    edits: [
      {
        file: "worker/tab-port.ts",
        find: `this.#addResult({ id, result: { type: "same" }, turn }))`,
        replace: `this.#addResult({ id, result: { type: "same" } }))`,
      },
    ],
  },
]
