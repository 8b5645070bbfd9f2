import type { NextConfig } from "next"
import { afterEach, describe, expect, test, vi } from "vitest"
import { withLf } from "./with-lf.ts"

afterEach(() => void vi.unstubAllEnvs())

const unsupported = expect.objectContaining({ code: "CONFIG_UNSUPPORTED" })
const policyOf = async ({ headers }: NextConfig) => (await headers?.())?.[0].headers[0].value

describe("withLf", () => {
  test("keeps the config, adds what lf needs once, and puts the basePath before the route", async () => {
    const config = withLf({
      basePath: "/app",
      assetPrefix: "/static",
      output: "standalone",
      env: { MINE: "1" },
      serverExternalPackages: ["@lf/next", "sharp"],
      headers: async () => [{ source: "/x", headers: [{ key: "A", value: "b" }] }],
    })
    expect(config).toMatchObject({
      basePath: "/app",
      output: "standalone",
      env: { MINE: "1", NEXT_PUBLIC_LF_PATH: "/app/api/lf" },
      serverExternalPackages: ["@lf/next", "sharp", "@lf/postgres", "fs-native-extensions"],
    })
    expect((await config.headers?.())?.map(({ source }) => source)).toEqual(["/:path*", "/x"])
    expect(withLf({}, { path: "/sync" }).env).toEqual({ NEXT_PUBLIC_LF_PATH: "/sync" })
  })

  test("allows wasm and workers, eval in development alone, and adds no header where none is wanted (S13)", async () => {
    vi.stubEnv("NODE_ENV", "production")
    expect(await policyOf(withLf({}))).toMatch(/'wasm-unsafe-eval'; worker-src 'self'/)
    vi.stubEnv("NODE_ENV", "development")
    expect(await policyOf(withLf({}))).toMatch(/'wasm-unsafe-eval' 'unsafe-eval'/)
    expect(withLf({}, { headers: false }).headers).toBeUndefined()
  })

  test("takes a function as Next does", async () => {
    const config = withLf(async (phase) => ({ env: { PHASE: phase } }))
    expect(await config("build", { defaultConfig: {} })).toMatchObject({ env: { PHASE: "build" } })
  })

  test("refuses by name what cannot work, and says what to do", () => {
    expect(() => withLf({ output: "export" })).toThrow(unsupported)
    vi.spyOn(process, "argv", "get").mockReturnValue(["node", "next", "build", "--webpack"])
    for (const assetPrefix of ["https://cdn.example.com", "http://x", "//cdn.example.com/a"])
      expect(() => withLf({ assetPrefix })).toThrow(/SharedWorker/)
    expect(() => withLf({ assetPrefix: "/static" })).not.toThrow()
    vi.restoreAllMocks()
  })

  test("takes files from a CDN, and workers from the app's own origin, below its basePath", async () => {
    const config = withLf({ assetPrefix: "//cdn.example.com/a", basePath: "/app", experimental: { useOffline: true } })
    expect(config.experimental).toEqual({ useOffline: true, turbopackWorkerAssetPrefix: "/app" })
    const policy = await policyOf(config)
    for (const part of ["script-src", "style-src", "font-src", "connect-src"])
      expect(policy).toContain(`${part} 'self' https://cdn.example.com`)
    expect(policy).toContain("worker-src 'self';")
    expect(withLf({}).experimental).toBeUndefined()
  })
})
