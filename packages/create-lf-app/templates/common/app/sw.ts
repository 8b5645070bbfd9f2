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

// Next asks for a worker's script with parameters, which the script reads from its own address. The precached response
// would put its address, without them, in the place of that: a new response has none.
serwist.registerCapture(
  ({ request }) => request.destination === "sharedworker",
  async ({ request, url }) => {
    const kept = await serwist.matchPrecache(url.pathname)
    if (kept === undefined) return await fetch(request)
    return new Response(kept.body, { status: kept.status, headers: kept.headers })
  },
)

serwist.addEventListeners()
