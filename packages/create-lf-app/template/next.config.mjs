/** @type {import("next").NextConfig} */
const config = {
  // Not bundled: a bundle would lose SQLite's wasm under `output: "standalone"`, and break ws under `--webpack`.
  serverExternalPackages: ["@lf/next"],
}

export default config
