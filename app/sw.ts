// The service worker: keeps the app's own files, never a document's HTML, an RSC payload or anything of /api.
import { NetworkOnly, type PrecacheEntry, Serwist, type SerwistPlugin } from "serwist"
import { answerWorkerScripts } from "./answer-worker-scripts"

// Filled in by app/serwist/[path]/route.ts when the app is built.
declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] | undefined }

const navigationTimeoutSeconds = 4

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  precacheOptions: {
    cleanupOutdatedCaches: true,
    // Next asks for the icon under a name with its hash behind.
    ignoreURLParametersMatching: [/^icon\./],
  },
  // A newer build takes over at once: the newer worker makes the old tabs reload anyway.
  skipWaiting: true,
  clientsClaim: true,
})

/**
 * Stand-ins for pages that the network cannot give. The shell is the same for every list and finds the id in the address. They are
 * kept under an address of their own, so that the precache does not answer for the real one while there is a network.
 */
const standIns: ReadonlyMap<string, string> = new Map([
  ["/", "/?offline"],
  ["/list", "/list?offline"],
  ["/lists", "/lists?offline"],
  ["/sql", "/sql?offline"],
])

const offlineShell: SerwistPlugin = {
  // A proxy whose server is gone answers, but not with the page.
  fetchDidSucceed: async ({ response }) => {
    if (response.status >= 500) throw new Error(`status ${response.status}`)
    return response
  },
  handlerDidError: async ({ request }) => {
    return serwist.matchPrecache(standIns.get(new URL(request.url).pathname) ?? "/shell")
  },
}

serwist.registerCapture(
  ({ request, url }) => request.mode === "navigate" && /^\/($|lists?$|sql$|l\/[A-Za-z0-9_-]{1,64}$)/.test(url.pathname),
  new NetworkOnly({ networkTimeoutSeconds: navigationTimeoutSeconds, plugins: [offlineShell] }),
)

answerWorkerScripts(serwist)
serwist.addEventListeners()
