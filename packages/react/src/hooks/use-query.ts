"use client"
import type { LfError, Query } from "@lf/core"
import {
  type UseQueryOptions,
  type UseQueryResult,
  type UseSuspenseQueryOptions,
  type UseSuspenseQueryResult,
  useQuery as useTanstackQuery,
  useSuspenseQuery as useTanstackSuspenseQuery,
} from "@tanstack/react-query"
import { useMemo, useState } from "react"
import { type DocumentHandle, useDocumentHandle } from "./document-handle.ts"
import { type JoinedDocs, liveQueryOptions } from "./query-binding.ts"
import { RowResults } from "./share-result.ts"
import { useReadErrors } from "./use-read-errors.ts"

/**
 * The options of TanStack Query's `useQuery` that apply to a live query. Those that decide when to fetch (`staleTime`,
 * `refetchOnMount` and the like) are left out: rows are always current.
 */
export type QueryOptions<R, T> = Pick<
  UseQueryOptions<R[], LfError, T>,
  | "select"
  | "enabled"
  | "placeholderData"
  | "notifyOnChangeProps"
  | "throwOnError"
  | "meta"
  | "gcTime"
  | "subscribed"
  /** For rows that depend on the time (`'now'`): the interval between two runs. Default: one second. */
  | "refetchInterval"
  | "refetchIntervalInBackground"
> &
  JoinedDocs

export type RowQueryOptions<R, U> = Omit<QueryOptions<R, U[]>, "select"> & {
  /**
   * Maps each row: `(issue) => ({ ...issue, labels: JSON.parse(issue.labels) })`. Runs once per changed row; its result
   * stays the same object as long as its row does, at any position.
   */
  readonly selectRow: (row: R) => U
}

/**
 * Rows of a query, kept up to date. Runs again if and only if something that it read has changed; unchanged rows keep
 * their identity. The result is TanStack Query's; `refetch()` runs the query now.
 *
 * @example const todos = useQuery(sql<Todo>`select * from todos order by created_at`)
 */
export function useQuery<R extends object, U>(
  query: Query<R>,
  options: RowQueryOptions<R, U>,
): UseQueryResult<U[], LfError>
export function useQuery<R, T = R[]>(query: Query<R>, options?: QueryOptions<R, T>): UseQueryResult<T, LfError>
export function useQuery<R extends object, T>(
  query: Query<R>,
  { selectRow, docs, own, ...options }: QueryOptions<R, T> & { readonly selectRow?: (row: R) => unknown } = {},
): UseQueryResult<T, LfError> {
  const handle = useDocumentHandle("useQuery")
  handle.prepare()
  const select = useSelectRow(selectRow)
  const base = liveQueryOptions(handle, query, { docs, own }) as UseQueryOptions<R[], LfError, T> // `select` alone makes a T of R[]
  const all = { ...options, ...(select !== undefined && { select: select as (rows: R[]) => T }), ...base } // its U[] is that T
  const result = useTanstackQuery(all, handle.client)
  return useReadErrors({ handle, result, isThrown: options.throwOnError !== undefined })
}

/** As `useQuery`, for a Suspense boundary. On the server without prefetched data it leaves the rendering to the browser. */
export function useSuspenseQuery<R extends object, U>(
  query: Query<R>,
  options: Pick<RowQueryOptions<R, U>, "selectRow" | "docs" | "own">,
): UseSuspenseQueryResult<U[], LfError>
export function useSuspenseQuery<R, T = R[]>(
  query: Query<R>,
  options?: Pick<UseSuspenseQueryOptions<R[], LfError, T>, "select"> & JoinedDocs,
): UseSuspenseQueryResult<T, LfError>
export function useSuspenseQuery<R extends object, T>(
  query: Query<R>,
  options: JoinedDocs & { readonly select?: (rows: R[]) => T; readonly selectRow?: (row: R) => unknown } = {},
): UseSuspenseQueryResult<T, LfError> {
  const handle = useDocumentHandle("useSuspenseQuery")
  handle.prepare()
  const selectRows = useSelectRow(options.selectRow) as ((rows: R[]) => T) | undefined // as above
  const select = selectRows ?? options.select
  const base = liveQueryOptions(handle, query, options) as UseSuspenseQueryOptions<R[], LfError, T> // as above
  bailOutOnServer(handle, base.queryKey)
  return useTanstackSuspenseQuery({ ...(select !== undefined && { select }), ...base }, handle.client)
}

/** The same function at every render, for as long as `selectRow` is. */
function useSelectRow<R extends object>(
  selectRow: ((row: R) => unknown) | undefined,
): ((rows: R[]) => unknown[]) | undefined {
  const [results] = useState(() => new RowResults<R, unknown>())
  return useMemo(
    () => (selectRow === undefined ? undefined : (rows: R[]) => results.map(rows, selectRow)),
    [results, selectRow],
  )
}

/** On an error with this digest Next renders the nearest fallback, and the browser the rest, without logging it. */
function bailOutOnServer({ client }: DocumentHandle, queryKey: readonly unknown[]): void {
  if (typeof window !== "undefined" || client.getQueryData(queryKey) !== undefined) return
  throw Object.assign(new Error("useSuspenseQuery waits for the browser"), {
    digest: "BAILOUT_TO_CLIENT_SIDE_RENDERING",
  })
}
