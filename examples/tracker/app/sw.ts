// The service worker: keeps the app's own files and its one page, never anything of /api.
import { type PrecacheEntry, Serwist } from "serwist"

// Filled in by app/serwist/[path]/route.ts when the app is built.
declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] | undefined }

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  precacheOptions: { cleanupOutdatedCaches: true, ignoreURLParametersMatching: [/^icon\./] },
  skipWaiting: true,
  clientsClaim: true,
})

interface FetchOfPage extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

// Next hands a worker its parameters in its script's address. The precached response would put its own address in the place of
// that: a new response has none.
addEventListener("fetch", (event) => {
  const { request, respondWith } = event as FetchOfPage
  if (request.destination !== "sharedworker" && request.destination !== "worker") return
  event.stopImmediatePropagation()
  respondWith.call(event, workerScript(request))
})

async function workerScript(request: Request): Promise<Response> {
  const cached = await serwist.matchPrecache(new URL(request.url).pathname)
  if (cached === undefined) return await fetch(request)
  const { status, statusText, headers } = cached
  return new Response(cached.body, { status, statusText, headers })
}

serwist.addEventListeners()
