import { defineConfig } from "vitest/config"

const source = (name: string) => new URL(`./packages/${name}`, import.meta.url).pathname

/** They look through strace and mount a disk of their own. On Linux, where there is such a thing, nothing is left out. */
const linuxOnly = process.platform === "linux" ? [] : ["**/order.test.ts", "**/full-disk.test.ts"]
for (const file of linuxOnly) console.warn(`${file} is left out: it needs Linux`)

/** Databases, processes, kills and whole apps, several seconds each: `npm run check` leaves them to `npm test`. */
const long = [
  "{bench,examples}/**",
  "packages/core/src/testing/{first-sync,hostile-values,limits}.test.ts",
  "packages/core/src/storage/storage.test.ts",
  "packages/next/src/{cli,documents,limits}/**",
  "packages/next/src/http/half-frames.test.ts",
  "packages/next/src/log/canary.test.ts",
  "packages/next/src/node/{fs-log,fs-log-crash,owner-lock,stop-signals,two-owners,zlib-deflater}.test.ts",
  "packages/postgres/**",
  "packages/react/src/hooks/{hook-failures,hook-laws,hook-options}.test.tsx",
  "packages/react/src/platform/browser/{event-stream-network,idb-owners}.test.ts",
  "packages/react/src/testing/test-server.test.tsx",
  "packages/react/src/worker/adopt-anonymous*.test.ts",
  "scripts/{browser-entries,docs,docs-code}.test.ts",
]
/** Paths that another step runs: `--exclude` does not reach projects. */
const elsewhere = (process.env.LF_LEAVES_OUT ?? "").split(" ").flatMap((path) => (path === "" ? [] : [`${path}**`]))
const leftOut = [...(process.env.LF_LEAVES_OUT_LONG === "1" ? long : []), ...elsewhere]

const core = ["packages/core/src/{base,sqlite,timeline,relay,journal,network,storage,local,remote}/**/*.test.ts"]
const exclude = ["**/node_modules/**", "**/templates/**", ...linuxOnly, ...leftOut]

export default defineConfig({
  resolve: {
    // Tests run the sources, not dist: no build stands between an edit and its test.
    alias: [
      { find: /^@lf\/core$/, replacement: source("core/src/index.ts") },
      { find: /^@lf\/core\/internal$/, replacement: source("core/src/internal.ts") },
      { find: /^@lf\/core\/testing$/, replacement: source("core/src/testing/index.ts") },
      { find: /^@lf\/react$/, replacement: source("react/src/index.ts") },
      { find: /^@lf\/react\/worker$/, replacement: source("react/src/worker/index.ts") },
      { find: /^@lf\/react\/testing$/, replacement: source("react/src/testing/index.ts") },
      { find: /^@lf\/next\/node$/, replacement: source("next/src/node/index.ts") },
      { find: /^@lf\/postgres$/, replacement: source("postgres/src/index.ts") },
      { find: /^@lf\/next$/, replacement: source("next/src/index.ts") },
    ],
  },
  test: {
    projects: [
      // Core keeps no state of a process but its deflater: its files share their modules, which loads them once.
      {
        extends: true,
        test: { name: "core", include: core, exclude, isolate: false, setupFiles: ["scripts/portable-deflater.ts"] },
      },
      {
        extends: true,
        test: {
          name: "rest",
          include: [
            "packages/*/src/**/*.test.{ts,tsx}",
            "scripts/**/*.test.ts",
            "examples/**/*.test.{ts,tsx}",
            "bench/**/*.test.ts",
            "proof/**/*.test.ts",
          ],
          exclude: [...exclude, ...core],
        },
      },
    ],
    pool: "threads",
    // By default one core stays free: on two cores that is half of the machine. Many tests wait for processes and disks.
    maxWorkers: 3,
    testTimeout: 20_000,
    // A second, as by default, is little beside two other workers.
    expect: { poll: { timeout: 10_000 } },
  },
})
