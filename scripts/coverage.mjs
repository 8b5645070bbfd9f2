// npm run coverage: fails unless unit tests reach every branch of the code that stores and decodes bytes. What no test
// can reach is listed in docs/unreachable.md.
import { ensureInstalled } from "./install.mjs"
import { bin, run, say } from "./run.mjs"
import { bytesTests } from "./steps.mjs"

const covered = [
  "packages/core/src/journal/*.ts",
  "packages/core/src/storage/*.ts",
  "packages/core/src/relay/relay-message.ts",
  "packages/core/src/network/{codec,fields,first-sync,http-frames,link,message,presence-codec}.ts",
  "packages/core/src/local/local-entries.ts",
  "packages/core/src/local/local-store.ts",
  "packages/core/src/local/log-at-rest.ts",
  "packages/core/src/local/presences.ts",
  "packages/core/src/remote/{base-transfer,client-list,presence-board,remote-store,restore}.ts",
  "packages/next/src/node/{fence,fs-log,generation}.ts",
]

await ensureInstalled()
say("unit tests with their branches counted (vitest)")
const { code } = await run(process.execPath, [
  ...bin.vitest,
  "run",
  ...bytesTests,
  // It runs beside a build.
  "--testTimeout=60000",
  "--coverage.enabled",
  "--coverage.provider=v8",
  "--coverage.reporter=text",
  "--coverage.reporter=json",
  "--coverage.thresholds.branches=100",
  ...covered.map((glob) => `--coverage.include=${glob}`),
  ...process.argv.slice(2),
])
process.exitCode = code
