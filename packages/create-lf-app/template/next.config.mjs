// What pages and workers may load. Next's own scripts stand in the page, SQLite is wasm; 'self' covers the WebSocket.
// Edits in development are loaded with eval.
const policy = [
  "default-src 'self'",
  `script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'${process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : ""}`,
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ")

/** @type {import("next").NextConfig} */
const config = {
  // Not bundled: a bundle would lose SQLite's wasm under `output: "standalone"`, and break ws under `--webpack`.
  serverExternalPackages: ["@lf/next"],
  poweredByHeader: false,
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "Content-Security-Policy", value: policy },
        { key: "X-Content-Type-Options", value: "nosniff" },
        // A list's address is all that opens it: it goes to no other site.
        { key: "Referrer-Policy", value: "same-origin" },
      ],
    },
  ],
}

export default config
