// For service workers: app/sw.ts, and that of examples/tracker.
import type { Serwist } from "serwist"

interface FetchOfPage extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

/**
 * Answers for workers' scripts before `serwist` does. Next hands a worker its parameters in its script's address: a SharedWorker
 * behind a "?", a Worker behind a "#". The precached response would put its own address in the place of that: a new response
 * has none. Called before `serwist.addEventListeners()`.
 */
export function answerWorkerScripts(serwist: Serwist): void {
  addEventListener("fetch", (event) => {
    const { request, respondWith } = event as FetchOfPage
    if (request.destination !== "sharedworker" && request.destination !== "worker") return
    event.stopImmediatePropagation()
    respondWith.call(event, scriptOf(serwist, request))
  })
}

async function scriptOf(serwist: Serwist, request: Request): Promise<Response> {
  const cached = await serwist.matchPrecache(new URL(request.url).pathname)
  if (cached === undefined) return await fetch(request)
  const { status, statusText, headers } = cached
  return new Response(cached.body, { status, statusText, headers })
}
