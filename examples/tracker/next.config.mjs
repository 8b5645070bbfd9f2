import { withLf } from "@lf/next/config"

/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  // The repository's own check compiles it.
  typescript: { ignoreBuildErrors: true },
  allowedDevOrigins: ["127.0.0.1"],
  devIndicators: false,
}

export default withLf(config)
