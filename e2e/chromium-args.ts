/** Flags to run Chromium as root, without network requests of its own. */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // As in a browser without SharedWorker: then each tab brings a dedicated worker.
  ...(process.env.LF_WORKERS === "dedicated" ? ["--disable-blink-features=SharedWorker"] : []),
]
