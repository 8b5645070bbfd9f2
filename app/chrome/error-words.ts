import type { LfError } from "@lf/react"

/** Error texts for the app's users, by code. A code without a text here is shown by its message. */
const words: Partial<Record<LfError["code"], string>> = {
  LOG_FULL:
    "This device is full. Your last change was not kept, everything before it was. Free some space and try again.",
  LOG_FAILED:
    "This device refused to keep your last change. Everything before it was kept. Try again, or reload the page.",
  PENDING_LIMIT: "Too many changes wait to be sent. Go online first, then go on.",
  DOC_TOO_LARGE: "This list is as long as a list can be. Delete something first, or start another list.",
  WORKER_FAILED: "The list could not be started. It is tried again; if that takes long, reload the page.",
  FORBIDDEN: "You may not open this list, or it is not there. What you change stays on this device.",
  SERVER_DIRECTORY_OWNED: "The server is being moved. What you change is kept, and sent as soon as it is back.",
  STORE_UNAVAILABLE: "The server cannot reach its data now. What you change is kept, and sent as soon as it can.",
  AUTHORIZE_FAILED: "The server cannot say now who may open this list. It is asked again; what you change is kept.",
  WORKER_REPLACED: "There is a newer version of this page. Reload it to go on.",
}

export function sayError(error: LfError): string {
  return words[error.code] ?? `${error.message} (${error.code})`
}
