/**
 * What pages and workers may load (S13). Next's own scripts stand in the page, SQLite is wasm; 'self' covers the WebSocket.
 * Edits in development are loaded with eval. `assets` is another origin that has the app's files, as a CDN.
 */
export function contentSecurityPolicy({
  isDevelopment,
  assets,
}: {
  readonly isDevelopment: boolean
  readonly assets: string | null
}): string {
  const self = assets === null ? "'self'" : `'self' ${assets}`
  return [
    `default-src ${self}`,
    `script-src ${self} 'unsafe-inline' 'wasm-unsafe-eval'${isDevelopment ? " 'unsafe-eval'" : ""}`,
    "worker-src 'self'",
    `style-src ${self} 'unsafe-inline'`,
    `img-src ${self} data: blob:`,
    `font-src ${self} data:`,
    `connect-src ${self}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ")
}
