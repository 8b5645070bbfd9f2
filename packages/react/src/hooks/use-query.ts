"use client"
import type { LfError, Query } from "@lf/core"
import {
  type UseQueryOptions,
  type UseQueryResult,
  type UseSuspenseQueryOptions,
  type UseSuspenseQueryResult,
  useQueryClient,
  useQuery as useTanstackQuery,
  useSuspenseQuery as useTanstackSuspenseQuery,
} from "@tanstack/react-query"
import { useTabDocument } from "./provider.tsx"
import { liveQueryOptions } from "./query-binding.ts"

export type QueryOptions<R, T> = Pick<
  UseQueryOptions<R[], LfError, T>,
  "select" | "enabled" | "placeholderData" | "notifyOnChangeProps" | "throwOnError" | "meta"
>

/**
 * Rows of a query, kept up to date. Runs again if and only if something that it read has changed; rows that did not
 * change keep their identity. The result is TanStack Query's.
 *
 * @example const todos = useQuery(sql<Todo>`select * from todos order by created_at`)
 */
export function useQuery<R, T = R[]>(query: Query<R>, options: QueryOptions<R, T> = {}): UseQueryResult<T, LfError> {
  const document = useTabDocument()
  const base = liveQueryOptions(document, query) as UseQueryOptions<R[], LfError, T> // `select` alone makes a T of R[]
  return useTanstackQuery({ ...options, ...base })
}

/** As `useQuery`, for a Suspense boundary. On the server without prefetched data it leaves the rendering to the browser. */
export function useSuspenseQuery<R, T = R[]>(
  query: Query<R>,
  options: Pick<UseSuspenseQueryOptions<R[], LfError, T>, "select"> = {},
): UseSuspenseQueryResult<T, LfError> {
  const document = useTabDocument()
  const client = useQueryClient()
  const base = liveQueryOptions(document, query) as UseSuspenseQueryOptions<R[], LfError, T> // as above
  if (typeof window === "undefined" && client.getQueryData(base.queryKey) === undefined) throw bailOut()
  return useTanstackSuspenseQuery({ ...options, ...base })
}

/** Next renders the nearest fallback for an error with this digest, and the browser the rest, without a word in the log. */
function bailOut(): Error {
  return Object.assign(new Error("useSuspenseQuery waits for the browser"), {
    digest: "BAILOUT_TO_CLIENT_SIDE_RENDERING",
  })
}
