import { LfError } from "@lf/core"
import { isBuilding } from "./environment.ts"

interface NextCache {
  io(): Promise<void>
  unstable_noStore(): void
}

let cache: Promise<NextCache | null> | undefined

/**
 * What a document answers is of this moment: the route that reads it is rendered for each request, and with Cache Components
 * its part is left out of the prerendered shell. Changes nothing inside of `"use cache"`, where the caller has decided, nor
 * in jobs, tests and `after`.
 * @throws BUILD_TIME_READ, and what Next throws to leave a static rendering
 */
export async function atRequestTime(doc: string): Promise<void> {
  cache ??= loadNextCache()
  const next = await cache
  if (next !== null) {
    next.unstable_noStore()
    await whenPrerenderingEnds(next)
  }
  if (!isBuilding()) return
  const remedy = "read it for a request, or give the function that is cached the document's lsn"
  throw new LfError("BUILD_TIME_READ", `the document ${doc} was read while the app is built: ${remedy}`)
}

function whenPrerenderingEnds(next: NextCache): Promise<void> {
  try {
    return next.io()
  } catch {
    // Next refuses it in `after`, when nothing is rendered any more.
    return Promise.resolve()
  }
}

/** Null in a process without Next. It is a file's name, since Next has no `exports` that Node's own import could use. */
async function loadNextCache(): Promise<NextCache | null> {
  try {
    return await import("next/cache.js")
  } catch {
    return null
  }
}
