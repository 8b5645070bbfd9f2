import { defineConfig } from "vitest/config"
import { impossibleTests } from "./scripts/linux.ts"

const source = (name: string) => new URL(`./packages/${name}`, import.meta.url).pathname

const impossible = impossibleTests()
for (const { file, why } of impossible) console.warn(`${file} is left out: it ${why}`)

export default defineConfig({
  resolve: {
    // Tests run the sources, not dist: no build stands between an edit and its test.
    alias: [
      { find: /^@lf\/core$/, replacement: source("core/src/index.ts") },
      { find: /^@lf\/core\/testing$/, replacement: source("core/src/testing/index.ts") },
      { find: /^@lf\/react$/, replacement: source("react/src/index.ts") },
      { find: /^@lf\/react\/worker$/, replacement: source("react/src/worker/index.ts") },
      { find: /^@lf\/react\/testing$/, replacement: source("react/src/testing/index.ts") },
      { find: /^@lf\/next\/node$/, replacement: source("next/src/node/index.ts") },
      { find: /^@lf\/next$/, replacement: source("next/src/index.ts") },
    ],
  },
  test: {
    include: [
      "packages/*/src/**/*.test.{ts,tsx}",
      "scripts/**/*.test.ts",
      "examples/**/*.test.{ts,tsx}",
      "bench/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/template/**", ...impossible.map(({ file }) => file)],
    pool: "threads",
    testTimeout: 20_000,
  },
})
