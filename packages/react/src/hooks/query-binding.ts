import { LfError, ownDocId, type Query, type Sql, type SqlValue } from "@lf/core"
import { checkDocId, compileQuery, JOINED_DOCS_MAX, liveQueryKey } from "@lf/core/internal"
import {
  type Query as CachedQuery,
  notifyManager,
  type QueryCacheNotifyEvent,
  type QueryClient,
  type QueryKey,
  type UseQueryOptions,
} from "@tanstack/react-query"
import type { ConnectOptions } from "../tab/options.ts"
import { TabDocument } from "../tab/tab-document.ts"
import type { Joined } from "../tab/tab-queries.ts"
import { LiveKey } from "./live-key.ts"
import { shareResult } from "./share-result.ts"

const GC_MS = 10_000
/** Options of renders that no document used are forgotten after this long. */
const OFFER_MS_MAX = 60_000
/** Documents of a page that show nothing and wait for the server's decisions; over it the oldest stops waiting. */
const FOLLOWING_MAX = 16

interface DocumentName {
  readonly doc: string
  readonly user: string | null
}

const bindings = new WeakMap<QueryClient, QueryBinding>()

/** The one binding of a QueryClient: its cache reports which queries are watched, the documents deliver their rows. */
export function bindingOf(client: QueryClient): QueryBinding {
  let binding = bindings.get(client)
  if (binding === undefined) {
    binding = new QueryBinding(client)
    bindings.set(client, binding)
  }
  return binding
}

export class QueryBinding {
  readonly client: QueryClient
  /** Documents in use, or that still wait for a decision. */
  readonly #documents = new Map<string, TabDocument>()
  readonly #offers = new Map<string, ConnectOptions>()
  readonly #following = new Set<TabDocument>()
  /** By lf's own text of the key: a client may hash its keys in another way. */
  readonly #liveKeys = new Map<string, LiveKey>()
  readonly #liveKeyByQuery = new WeakMap<CachedQuery, LiveKey>()
  #sweep: ReturnType<typeof setTimeout> | undefined

  constructor(client: QueryClient) {
    this.client = client
    client.setQueryDefaults(["lf"], {
      networkMode: "always",
      // A look at the clock is refused where Next prerenders. In a browser "static" rows would not be fetched after a reset.
      staleTime: typeof window === "undefined" ? "static" : Number.POSITIVE_INFINITY,
      gcTime: GC_MS,
      retry: false,
      refetchOnMount: false,
      refetchOnReconnect: false,
      refetchOnWindowFocus: false,
      structuralSharing: shareResult,
      queryFn: ({ queryKey }) => this.#liveKey(queryKey).fetch(),
    })
    client.getQueryCache().subscribe((event) => {
      // A malformed key is an error of its fetch, not of the cache.
      if (isLiveKey(event.query.queryKey)) this.#note(event)
    })
  }

  /** The tab's end of a document: one per user and document, created on demand. */
  document(doc: string, user: string | null): TabDocument {
    const name = nameOf({ doc, user })
    const known = this.#documents.get(name)
    if (known !== undefined) return known
    const document: TabDocument = new TabDocument({
      doc,
      user,
      batch: (run) => notifyManager.batch(run),
      onIdle: () => {
        this.#following.delete(document)
        if (this.#documents.get(name) === document) this.#documents.delete(name)
      },
      onFollowing: () => this.#follow(document),
    })
    this.#documents.set(name, document)
    const offer = this.#offers.get(name)
    this.#offers.delete(name)
    if (offer !== undefined) document.offer(offer)
    return document
  }

  /** Documents in use, or that wait for a decision. */
  get documentCount(): number {
    return this.#documents.size
  }

  /** Queries that are cached, or were and still run. */
  get queryCount(): number {
    return this.#liveKeys.size
  }

  find(doc: string, user: string | null): TabDocument | undefined {
    return this.#documents.get(nameOf({ doc, user }))
  }

  /** The options of a render, for the first call that connects the document. */
  offer({ doc, user }: DocumentName, options: ConnectOptions): void {
    const known = this.find(doc, user)
    if (known !== undefined) {
      known.offer(options)
      return
    }
    this.#offers.set(nameOf({ doc, user }), options)
    if (this.#sweep !== undefined) return
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined
      this.#offers.clear()
    }, OFFER_MS_MAX)
  }

  #follow(document: TabDocument): void {
    this.#following.delete(document)
    this.#following.add(document)
    for (const oldest of this.#following) {
      if (this.#following.size <= FOLLOWING_MAX) return
      this.#following.delete(oldest)
      oldest.forgetFollowed()
    }
  }

  #note(event: QueryCacheNotifyEvent): void {
    const { query, type } = event
    if (type === "removed") {
      this.#liveKeyByQuery.get(query)?.remove(query)
      this.#findAgain(query)
    } else if (this.client.getQueryCache().get(query.queryHash) !== query) {
      // An observer from a render before the cache was cleared watches a query that is not cached any more.
      if (type === "observerAdded") this.#findAgain(query)
    } else if (
      type === "added" ||
      type === "observerAdded" ||
      type === "observerRemoved" ||
      type === "observerOptionsUpdated"
    ) {
      this.#liveKeyOf(query).look(query)
    } else if (type === "updated" && event.action.type === "success" && event.action.manual !== true) {
      this.#liveKeyByQuery.get(query)?.keepNewest(query)
    }
  }

  /** The cache was cleared under mounted components: they get their query again, and with it rows. */
  #findAgain({ observers }: CachedQuery): void {
    const mounted = [...observers]
    if (mounted.length === 0) return
    queueMicrotask(() => {
      for (const observer of mounted) observer.setOptions(observer.options)
    })
  }

  #liveKeyOf(query: CachedQuery): LiveKey {
    const known = this.#liveKeyByQuery.get(query)
    if (known !== undefined) return known
    const liveKey = this.#liveKey(query.queryKey)
    this.#liveKeyByQuery.set(query, liveKey)
    return liveKey
  }

  #liveKey(key: QueryKey): LiveKey {
    const text = JSON.stringify(key)
    const known = this.#liveKeys.get(text)
    if (known !== undefined) return known
    const { doc, user, query, joined } = partsOf(key)
    const liveKey: LiveKey = new LiveKey({
      key,
      query,
      joined,
      document: () => this.document(doc, user),
      onUnused: () => {
        if (this.#liveKeys.get(text) === liveKey) this.#liveKeys.delete(text)
      },
    })
    this.#liveKeys.set(text, liveKey)
    return liveKey
  }
}

function nameOf({ doc, user }: DocumentName): string {
  return JSON.stringify([user, doc])
}

/** Options for TanStack's own hooks and methods: `` useQueries({ queries: [liveQueryOptions({ doc, user }, sql`…`)] }) ``. */
export function liveQueryOptions<R>(
  { doc, user }: DocumentName,
  query: Query<R>,
  options: JoinedDocs = {},
): UseQueryOptions<R[], LfError> {
  return { queryKey: liveQueryKey(user, doc, compileQuery(query), joinedOf({ doc, user }, options)) }
}

/** For a query over several documents. */
export interface JoinedDocs {
  /**
   * The ids of the documents that the query reads, 1 to 10, instead of the provider's: a table has the rows of all of them,
   * each with its document's id in `_doc`; the table of one document is `"<its id>".todos`.
   */
  readonly docs?: readonly string[] | undefined
  /** The query also reads the user's own document, as `own`: `left join own.marks m on m.issue = issues.id`. */
  readonly own?: boolean | undefined
}

/** @throws DOCS_JOINED_LIMIT DOC_ID_INVALID AUTH_REQUIRED */
function joinedOf({ doc, user }: DocumentName, { docs, own = false }: JoinedDocs): Joined | undefined {
  if (docs === undefined && !own) return undefined
  const listed = docs ?? [doc]
  checkDocs(listed, own ? JOINED_DOCS_MAX - 1 : JOINED_DOCS_MAX)
  return own ? { docs: listed, own: ownDocOf(user) } : { docs: listed }
}

/** @throws AUTH_REQUIRED */
export function ownDocOf(user: string | null): string {
  if (user !== null) return ownDocId(user)
  throw new LfError("AUTH_REQUIRED", "expected a user, since own tables belong to one; the provider's `user` is null")
}

/** @throws DOCS_JOINED_LIMIT DOC_ID_INVALID */
function checkDocs(docs: readonly string[], max: number): void {
  for (const doc of docs) checkDocId(doc)
  const count = new Set(docs).size
  if (docs.length >= 1 && count <= max && count === docs.length) return
  const got = count < docs.length ? `${docs.length} with a repeated one` : docs.length
  throw new LfError("DOCS_JOINED_LIMIT", `expected 1 to ${max} different documents, got ${got}`)
}

/** The query that a key stands for: hydrated queries have nothing else. */
function partsOf(key: QueryKey): {
  user: string | null
  doc: string
  query: Sql<unknown>
  joined: Joined | undefined
} {
  if (!isLiveKey(key)) {
    throw new LfError(
      "SQL_BAD_PARAMETER",
      'expected a query key of liveQueryOptions, got another one that begins with "lf"',
    )
  }
  const [, user, doc, sql, parameters, docs, own] = key
  const joined = docs === undefined ? undefined : { docs, own }
  return { user, doc, query: { sql, parameters: parameters.map(decodeParameter) }, joined }
}

function isLiveKey(key: QueryKey): key is LiveQueryKey {
  const [lf, user, doc, sql, parameters, docs, own] = key
  const isName = user === null || typeof user === "string"
  return (
    lf === "lf" &&
    isName &&
    typeof doc === "string" &&
    typeof sql === "string" &&
    Array.isArray(parameters) &&
    (docs === undefined || Array.isArray(docs)) &&
    (own === undefined || typeof own === "string")
  )
}

type LiveQueryKey = readonly ["lf", string | null, string, string, readonly unknown[], (readonly string[])?, string?]

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
