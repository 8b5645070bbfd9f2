// The service worker: keeps the app's own files and its one page, never anything of /api.
import { type PrecacheEntry, Serwist } from "serwist"
import { answerWorkerScripts } from "../../../app/answer-worker-scripts"
import { placeParameters } from "./issues/address"

// Filled in by app/serwist/[path]/route.ts when the app is built.
declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] | undefined }

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  precacheOptions: {
    cleanupOutdatedCaches: true,
    // The page is the same for each of them: what is open is the browser's affair.
    ignoreURLParametersMatching: [/^icon\./, new RegExp(`^(${placeParameters.join("|")})$`)],
  },
  skipWaiting: true,
  clientsClaim: true,
})

answerWorkerScripts(serwist)
serwist.addEventListeners()
