import { LfError } from "@lf/core"
import type { NextConfig } from "next"
import { contentSecurityPolicy } from "./content-security-policy.ts"

export interface WithLfOptions {
  /** Where the route file is, without the basePath. Default: "/api/lf". */
  readonly path?: string
  /**
   * Headers for every page: a content security policy that allows what lf needs and little else, `nosniff`, and a referrer for
   * this site alone. The config's own headers of the same names win. False: none, and the policy must then allow
   * 'wasm-unsafe-eval' and workers of this origin. Default: true.
   */
  readonly headers?: boolean
}

type NextConfigFunction = (phase: string, context: { defaultConfig: NextConfig }) => NextConfig | Promise<NextConfig>

/**
 * Bundled they would look for their wasm and binaries in the wrong place, and a bundled store would have another copy of @lf/core than
 * the server. Linked packages are bundled all the same, so the lock is named too.
 */
const EXTERNAL = ["@lf/next", "@lf/postgres", "fs-native-extensions"]

/**
 * A Next config with what lf needs: packages that stay outside of the server's bundle, the address of the route with the
 * `basePath` before it, and headers.
 * An `assetPrefix` on another origin, as a CDN, is for all files but the workers, which browsers start from the app's own origin
 * alone: Turbopack knows that, webpack does not.
 * @throws CONFIG_UNSUPPORTED for `output: "export"`, and for an `assetPrefix` on another origin under webpack
 * @example export default withLf({ cacheComponents: true })
 */
export function withLf(config: NextConfig, options?: WithLfOptions): NextConfig
export function withLf(config: NextConfigFunction, options?: WithLfOptions): NextConfigFunction
export function withLf(
  config: NextConfig | NextConfigFunction,
  options: WithLfOptions = {},
): NextConfig | NextConfigFunction {
  if (typeof config !== "function") return withParts(config, options)
  return async (phase, context) => withParts(await config(phase, context), options)
}

function withParts(config: NextConfig, { path = "/api/lf", headers = true }: WithLfOptions): NextConfig {
  const { output, basePath = "", assetPrefix = "" } = config
  if (output === "export") {
    throw new LfError(
      "CONFIG_UNSUPPORTED",
      'expected an app with a server, got output: "export": leave it out, or "standalone"',
    )
  }
  const assets = originOf(assetPrefix)
  if (assets !== null && process.argv.includes("--webpack")) {
    throw new LfError(
      "CONFIG_UNSUPPORTED",
      `expected an assetPrefix on the app's own origin under webpack, got ${assetPrefix}: browsers start no SharedWorker from another origin. Build with Turbopack, or let the CDN stand in front of the app`,
    )
  }
  return {
    ...config,
    ...(assets !== null && { experimental: { ...config.experimental, turbopackWorkerAssetPrefix: basePath } }),
    serverExternalPackages: [...new Set([...(config.serverExternalPackages ?? []), ...EXTERNAL])],
    env: { ...config.env, NEXT_PUBLIC_LF_PATH: `${basePath}${path}` },
    ...(headers && { headers: async () => [forEveryPage(assets), ...((await config.headers?.()) ?? [])] }),
  }
}

/** The other origin that an `assetPrefix` names; null: it is a path. */
function originOf(assetPrefix: string): string | null {
  return /^(https?:)?\/\//.test(assetPrefix) ? new URL(assetPrefix, "https://here").origin : null
}

function forEveryPage(assets: string | null) {
  const isDevelopment = process.env.NODE_ENV === "development"
  return {
    source: "/:path*",
    headers: [
      { key: "Content-Security-Policy", value: contentSecurityPolicy({ isDevelopment, assets }) },
      { key: "X-Content-Type-Options", value: "nosniff" },
      // A document's address may be all that opens it: it goes to no other site.
      { key: "Referrer-Policy", value: "same-origin" },
    ],
  }
}
