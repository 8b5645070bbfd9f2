import { randomUUID } from "node:crypto"
import { createSerwistRoute } from "@serwist/turbopack"

// The pages and the icon have no hash in their name: a build is their revision.
const revision = randomUUID()
const pages = [
  "/shell",
  "/?offline",
  "/list?offline",
  "/lists?offline",
  "/sql?offline",
  "/icon.svg",
  "/manifest.webmanifest",
]

export const { dynamic, dynamicParams, revalidate, generateStaticParams, GET } = createSerwistRoute({
  swSrc: "app/sw.ts",
  useNativeEsbuild: true,
  esbuildOptions: { format: "iife", sourcemap: false },
  // The default leaves wasm out, and the browser's HTTP cache hides that until the device is really offline.
  globPatterns: [".next/static/**/*.{js,css,wasm,svg,png,ico,webmanifest}"],
  maximumFileSizeToCacheInBytes: 8 * 1024 * 1024,
  additionalPrecacheEntries: pages.map((url) => ({ url, revision })),
})
