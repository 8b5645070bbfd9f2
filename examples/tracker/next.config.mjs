import { withLf } from "@lf/next/config"
import { withSerwist } from "@serwist/turbopack"

/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  // The repository's own check compiles it.
  typescript: { ignoreBuildErrors: true },
  allowedDevOrigins: ["127.0.0.1"],
  devIndicators: false,
}

export default withSerwist(withLf(config))
