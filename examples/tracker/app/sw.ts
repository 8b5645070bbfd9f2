// The service worker: keeps the app's own files and its one page, never anything of /api.
import { type PrecacheEntry, Serwist } from "serwist"
import { answerWorkerScripts } from "../../../app/answer-worker-scripts"

// Filled in by app/serwist/[path]/route.ts when the app is built.
declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] | undefined }

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  // The page is the same whatever its address says of filters and issues.
  precacheOptions: {
    cleanupOutdatedCaches: true,
    ignoreURLParametersMatching: [/^icon\./, /^(view|text|status|label|assignee|issue)$/],
  },
  skipWaiting: true,
  clientsClaim: true,
})

answerWorkerScripts(serwist)
serwist.addEventListeners()
