import { QueryClient } from "@tanstack/react-query"

/** A provider that is rendered and never committed is forgotten after this long. */
const UNCOMMITTED_MS_MAX = 60_000

interface Uncommitted {
  readonly client: QueryClient
  readonly timer: ReturnType<typeof setTimeout>
}

const uncommitted = new Map<string, Uncommitted>()

/**
 * The client of a provider without a surrounding one. A tree that suspends above the provider on its first render loses
 * all of its state and is rendered again: it finds the client of the attempt before, and with it the query under
 * way. Otherwise each attempt would wait for a query of its own, forever (H3).
 */
export function ownClient(name: string): QueryClient {
  // A server renders for many users: nothing is kept between two renders.
  if (typeof window === "undefined") return new QueryClient()
  const known = uncommitted.get(name)
  if (known !== undefined) return known.client
  const client = new QueryClient()
  const timer = setTimeout(() => uncommitted.delete(name), UNCOMMITTED_MS_MAX)
  uncommitted.set(name, { client, timer })
  return client
}

/** The provider has committed: the client is its own from now on. */
export function keepClient(name: string, client: QueryClient): void {
  const known = uncommitted.get(name)
  if (known?.client !== client) return
  clearTimeout(known.timer)
  uncommitted.delete(name)
}
