import { randomUUID } from "node:crypto"
import { createSerwistRoute } from "@serwist/turbopack"

// The page and the icon have no hash in their name: a build is their revision.
const revision = randomUUID()

export const { dynamic, dynamicParams, revalidate, generateStaticParams, GET } = createSerwistRoute({
  swSrc: "app/sw.ts",
  useNativeEsbuild: true,
  esbuildOptions: { format: "iife", sourcemap: false },
  globPatterns: [".next/static/**/*.{js,css,wasm}"],
  maximumFileSizeToCacheInBytes: 8 * 1024 * 1024,
  additionalPrecacheEntries: ["/", "/icon.svg"].map((url) => ({ url, revision })),
})
