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

/** Bundled they would look for their wasm and binaries in the wrong place. Linked packages are bundled all the same, so the lock is named too. */
const EXTERNAL = ["@lf/next", "fs-native-extensions"]

/**
 * A Next config with what lf needs: packages that stay outside of the server's bundle, the address of the route with the
 * `basePath` before it, and headers.
 * @throws CONFIG_UNSUPPORTED for `output: "export"` and an `assetPrefix` on another origin
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
  if (/^(https?:)?\/\//.test(assetPrefix)) {
    throw new LfError(
      "CONFIG_UNSUPPORTED",
      `expected an assetPrefix on the app's own origin, got ${assetPrefix}: browsers start no SharedWorker from another origin. Let the CDN stand in front of the app instead`,
    )
  }
  return {
    ...config,
    serverExternalPackages: [...new Set([...(config.serverExternalPackages ?? []), ...EXTERNAL])],
    env: { ...config.env, NEXT_PUBLIC_LF_PATH: `${basePath}${path}` },
    ...(headers && { headers: async () => [forEveryPage(), ...((await config.headers?.()) ?? [])] }),
  }
}

function forEveryPage() {
  const isDevelopment = process.env.NODE_ENV === "development"
  return {
    source: "/:path*",
    headers: [
      { key: "Content-Security-Policy", value: contentSecurityPolicy(isDevelopment) },
      { key: "X-Content-Type-Options", value: "nosniff" },
      // A document's address may be all that opens it: it goes to no other site.
      { key: "Referrer-Policy", value: "same-origin" },
    ],
  }
}
