/** @type {import("next").NextConfig} */
const config = {
  // Not bundled: @lf/next reads SQLite's wasm from beside itself, and finds it wherever the app is copied to.
  serverExternalPackages: ["@lf/next"],
}

export default config
