// The service worker: keeps the app's own files and its one page, never anything of /api.
import { type PrecacheEntry, Serwist } from "serwist"
import { answerWorkerScripts } from "../../../app/answer-worker-scripts"

// Filled in by app/serwist/[path]/route.ts when the app is built.
declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] | undefined }

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  precacheOptions: { cleanupOutdatedCaches: true, ignoreURLParametersMatching: [/^icon\./] },
  skipWaiting: true,
  clientsClaim: true,
})

answerWorkerScripts(serwist)
serwist.addEventListeners()
