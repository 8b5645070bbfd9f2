import { compileQuery, LfError, liveQueryKey, patchRows, type Query, type Row, type Sql, type SqlValue } from "@lf/core"
import {
  hashKey,
  notifyManager,
  type QueryClient,
  type QueryKey,
  replaceEqualDeep,
  type UseQueryOptions,
} from "@tanstack/react-query"
import type { SentResult } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import { TabDocument } from "../tab/tab-document.ts"

const GC_MS = 10_000

interface LiveSubscription {
  readonly key: QueryKey
  rows: readonly Row[] | null
  stop: () => void
  waiting: { resolve: (rows: readonly Row[]) => void; reject: (error: LfError) => void }[]
}

/** Rows as the worker sent them: their identity is right already, only what `select` makes of them is compared. */
const rowsOfWorker = new WeakSet<object>()
const bindings = new WeakMap<QueryClient, QueryBinding>()

/** The one binding of a QueryClient: its cache tells which queries are watched, the documents tell their rows. */
export function bindingOf(client: QueryClient): QueryBinding {
  let binding = bindings.get(client)
  if (binding === undefined) {
    binding = new QueryBinding(client)
    bindings.set(client, binding)
  }
  return binding
}

export class QueryBinding {
  readonly #client: QueryClient
  readonly #documents = new Map<string, TabDocument>()
  readonly #live = new Map<string, LiveSubscription>()

  constructor(client: QueryClient) {
    this.#client = client
    client.setQueryDefaults(["lf"], {
      networkMode: "always",
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: GC_MS,
      retry: false,
      refetchOnMount: false,
      refetchOnReconnect: false,
      refetchOnWindowFocus: false,
      structuralSharing: (before, after) =>
        typeof after === "object" && after !== null && rowsOfWorker.has(after)
          ? after
          : replaceEqualDeep(before, after),
      queryFn: ({ queryKey }) => this.#newest(queryKey),
    })
    client.getQueryCache().subscribe((event) => {
      if (event.query.queryKey[0] !== "lf") return
      if (event.type === "observerAdded") this.#subscribe(event.query.queryKey)
      if (event.type === "removed") this.#unsubscribe(event.query)
      if (event.type === "updated" && event.action.type === "success") this.#keepNewest(event.query)
    })
  }

  /** The tab's end of a document: one per user and document, made on demand and connected by a provider. */
  document(doc: string, user: string | null): TabDocument {
    const name = JSON.stringify([user, doc])
    let document = this.#documents.get(name)
    if (document === undefined) {
      document = new TabDocument({ doc, user })
      document.batchWith((run) => notifyManager.batch(run))
      this.#documents.set(name, document)
    }
    return document
  }

  /** Never in queryFn alone: hydrated data is never fetched, and would never be kept up to date. */
  #subscribe(key: QueryKey): LiveSubscription {
    const hash = hashKey(key)
    const known = this.#live.get(hash)
    if (known !== undefined) return known
    const live: LiveSubscription = { key, rows: null, stop: () => {}, waiting: [] }
    this.#live.set(hash, live)
    const { doc, user, query } = partsOf(key)
    live.stop = this.document(doc, user).subscribe(query, (result) => this.#receive(live, result))
    return live
  }

  #unsubscribe(query: {
    queryKey: QueryKey
    queryHash: string
    observers: readonly { options: object; setOptions(options: never): void }[]
  }): void {
    const live = this.#live.get(query.queryHash)
    this.#live.delete(query.queryHash)
    live?.stop()
    // The cache was cleared under mounted components: they find their query again and with it a subscription.
    const mounted = [...query.observers]
    if (mounted.length > 0) {
      queueMicrotask(() => {
        for (const observer of mounted) observer.setOptions(observer.options as never)
      })
    }
  }

  /** A fetch that resolves after a newer push must not put older rows over it. */
  #keepNewest({
    queryKey,
    queryHash,
    state,
  }: {
    queryKey: QueryKey
    queryHash: string
    state: { data?: unknown }
  }): void {
    const rows = this.#live.get(queryHash)?.rows
    if (rows !== null && rows !== undefined && state.data !== rows) this.#client.setQueryData(queryKey, rows)
  }

  #newest(key: QueryKey): Promise<readonly Row[]> {
    const live = this.#subscribe(key)
    if (live.rows !== null) return Promise.resolve(live.rows)
    return new Promise((resolve, reject) => {
      live.waiting.push({ resolve, reject })
    })
  }

  #receive(live: LiveSubscription, result: SentResult): void {
    const waiting = live.waiting
    live.waiting = []
    if (result.type === "error") {
      const error = sentToError(result.error)
      live.rows = null
      for (const { reject } of waiting) reject(error)
      this.#client
        .getQueryCache()
        .find({ queryKey: live.key, exact: true })
        ?.setState({ status: "error", error, fetchStatus: "idle", errorUpdatedAt: Date.now() })
      return
    }
    const rows = result.type === "rows" ? result.rows : patchRows(live.rows ?? [], result.patch)
    rowsOfWorker.add(rows)
    live.rows = rows
    for (const { resolve } of waiting) resolve(rows)
    // Nothing is written for a key that is no longer cached: it would come back to life without a reader.
    if (this.#client.getQueryCache().find({ queryKey: live.key, exact: true }) !== undefined) {
      this.#client.setQueryData(live.key, rows)
    }
  }
}

/** Options for TanStack's own hooks: `useQuery(liveQueryOptions({ doc, user }, sql`…`))`. */
export function liveQueryOptions<R>(
  { doc, user }: { readonly doc: string; readonly user: string | null },
  query: Query<R>,
): UseQueryOptions<R[], LfError> {
  return { queryKey: liveQueryKey(user, doc, compileQuery(query)) }
}

/** What a key stands for: hydrated queries have nothing else. */
function partsOf(key: QueryKey): { user: string | null; doc: string; query: Sql<unknown> } {
  const [, user, doc, sql, parameters] = key
  if (typeof doc !== "string" || typeof sql !== "string" || !Array.isArray(parameters)) {
    throw new LfError("SQL_BAD_PARAMETER", 'a query key that begins with "lf" was not made by liveQueryOptions')
  }
  return {
    user: typeof user === "string" ? user : null,
    doc,
    query: { sql, parameters: parameters.map(decodeParameter) },
  }
}

function decodeParameter(encoded: unknown): SqlValue {
  const text = String(encoded)
  const colon = text.indexOf(":")
  const value = text.slice(colon + 1)
  switch (text.slice(0, colon)) {
    case "string":
      return value
    case "number":
      return Number(value)
    case "bigint":
      return BigInt(value)
    case "x":
      return Uint8Array.from(value === "" ? [] : value.split(","), Number)
    default:
      return null
  }
}
