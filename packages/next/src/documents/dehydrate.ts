import type { Query, Row } from "@lf/core"
import { compileQuery, liveQueryKey } from "@lf/core/internal"

/** TanStack Query's `DehydratedState`, declared here so that a server does not need that library. */
export interface DehydratedState {
  readonly mutations: never[]
  readonly queries: DehydratedQuery[]
}

export interface DehydratedQuery {
  readonly queryKey: readonly unknown[]
  readonly queryHash: string
  readonly dehydratedAt: number
  readonly state: {
    readonly data: unknown
    readonly dataUpdateCount: number
    readonly dataUpdatedAt: number
    readonly error: null
    readonly errorUpdateCount: number
    readonly errorUpdatedAt: number
    readonly fetchFailureCount: number
    readonly fetchFailureReason: null
    readonly fetchMeta: null
    readonly isInvalidated: boolean
    readonly status: "success"
    readonly fetchStatus: "idle"
  }
}

/** Older than any row in a browser: a reload must never overwrite fresh rows with the server's. */
const UPDATED_AT = 1

/** A query's rows in the form of a browser's cache, under the key that the hooks use for this user and document. */
export function dehydrateRows(
  { user, doc }: { readonly user: string | null; readonly doc: string },
  query: Query<unknown>,
  rows: readonly Row[],
): DehydratedQuery {
  const queryKey = liveQueryKey(user, doc, compileQuery(query))
  return {
    queryKey,
    // TanStack's hashKey sorts the keys of objects; there are none.
    queryHash: JSON.stringify(queryKey),
    dehydratedAt: UPDATED_AT,
    state: {
      data: rows,
      dataUpdateCount: 1,
      dataUpdatedAt: UPDATED_AT,
      error: null,
      errorUpdateCount: 0,
      errorUpdatedAt: 0,
      fetchFailureCount: 0,
      fetchFailureReason: null,
      fetchMeta: null,
      isInvalidated: false,
      status: "success",
      fetchStatus: "idle",
    },
  }
}
