/** Flags to run Chromium as root, without network requests of its own. */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

/** As in a browser without SharedWorker. And no process is kept ready for the next tab, so that each tab's is known. */
export const DEDICATED_ARGS = [
  ...CHROMIUM_ARGS,
  "--disable-blink-features=SharedWorker",
  "--disable-features=SpareRendererForSitePerProcess",
]
