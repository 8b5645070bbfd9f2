import { withSerwist } from "@serwist/turbopack"

/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  // The wasm and the sockets stay Node's own: a bundled copy would look for its files in the wrong place.
  serverExternalPackages: ["@lf/next"],
  // `npm run check` does it, with the compiler of the packages.
  typescript: { ignoreBuildErrors: true },
  allowedDevOrigins: ["127.0.0.1"],
  devIndicators: false,
}

export default withSerwist(config)
