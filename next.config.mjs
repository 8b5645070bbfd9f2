import { withLf } from "@lf/next/config"
import { withSerwist } from "@serwist/turbopack"

/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  headers: async () => [
    // Made when the app is built, it would be a year old in every cache on the way.
    { source: "/serwist/:path*", headers: [{ key: "Cache-Control", value: "public, max-age=0, must-revalidate" }] },
  ],
  // `npm run check` does it, with the compiler of the packages.
  typescript: { ignoreBuildErrors: true },
  allowedDevOrigins: ["127.0.0.1"],
  devIndicators: false,
}

export default withSerwist(withLf(config))
