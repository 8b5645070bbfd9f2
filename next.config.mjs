import { withSerwist } from "@serwist/turbopack"

/**
 * What the app's pages and workers may load (S13). Next's own scripts stand in the page, SQLite is wasm; 'self' covers the WebSocket.
 * Edits in development are loaded with eval.
 */
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

const headers = [
  { key: "Content-Security-Policy", value: policy },
  { key: "X-Content-Type-Options", value: "nosniff" },
  // A list's address is all that opens it: it goes to no other site.
  { key: "Referrer-Policy", value: "same-origin" },
]

/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  headers: async () => [
    { source: "/:path*", headers },
    // Made when the app is built, it would be a year old in every cache on the way.
    { source: "/serwist/:path*", headers: [{ key: "Cache-Control", value: "public, max-age=0, must-revalidate" }] },
  ],
  // The wasm and the sockets stay Node's own: a bundled copy would look for its files in the wrong place.
  // Linked packages are bundled all the same: the file lock that they load is named too.
  serverExternalPackages: ["@lf/next", "fs-native-extensions"],
  // `npm run check` does it, with the compiler of the packages.
  typescript: { ignoreBuildErrors: true },
  allowedDevOrigins: ["127.0.0.1"],
  devIndicators: false,
}

export default withSerwist(config)
