// The service worker: a hard reload opens without a network. It keeps the app's own files and one page that holds no
// data, never a document's HTML, an RSC payload or anything of /api: documents are in SQLite already.
import { NetworkOnly, type PrecacheEntry, Serwist, type SerwistPlugin } from "serwist"

// Filled in by scripts/service-worker.mjs.
declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] }

/** Under an address of its own, so that it does not answer for the real page while there is a network. */
const offlinePage = "/?offline"
/** Addresses that it can stand for: it finds the document's id in the address. */
const documentPaths = /^\/(l\/[\w-]{1,64})?$/
const networkTimeoutSeconds = 4

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST,
  precacheOptions: {
    cleanupOutdatedCaches: true,
    // Next asks for the icon under a name with its hash behind.
    ignoreURLParametersMatching: [/^icon\./],
  },
  // A newer build takes over at once: its worker makes the old tabs reload anyway.
  skipWaiting: true,
  clientsClaim: true,
})

const standIn: SerwistPlugin = {
  // A proxy whose server is gone answers, but not with the page.
  fetchDidSucceed: async ({ response }) => {
    if (response.status >= 500) throw new Error(`status ${response.status}`)
    return response
  },
  handlerDidError: () => serwist.matchPrecache(offlinePage),
}

serwist.registerCapture(
  ({ request, url }) => request.mode === "navigate" && documentPaths.test(url.pathname),
  new NetworkOnly({ networkTimeoutSeconds, plugins: [standIn] }),
)

interface FetchOfPage extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

// Next hands a worker its parameters in its script's address: a SharedWorker behind a "?", a Worker behind a "#". The
// precached response would put its own address in the place of that, so this comes before the precache: a new response has
// none.
addEventListener("fetch", (event) => {
  const { request, respondWith } = event as FetchOfPage
  if (request.destination !== "sharedworker" && request.destination !== "worker") return
  event.stopImmediatePropagation()
  respondWith.call(event, workerScript(request))
})

async function workerScript(request: Request): Promise<Response> {
  const kept = await serwist.matchPrecache(new URL(request.url).pathname)
  if (kept === undefined) return await fetch(request)
  return new Response(kept.body, { status: kept.status, headers: kept.headers })
}

serwist.addEventListeners()
