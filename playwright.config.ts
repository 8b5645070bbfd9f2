import { execFileSync } from "node:child_process"
import { defineConfig } from "@playwright/test"
import { CHROMIUM_ARGS, DEDICATED_ARGS } from "./e2e/chromium-args.ts"

const runsAll = process.env.LF_E2E_ALL === "1"

// The specs start, kill and restart their own servers (e2e/harness), so there is no webServer here.
export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results",
  workers: 2,
  retries: 0,
  timeout: 60_000,
  forbidOnly: true,
  // Members of a family of which npm test runs another one: npm run soak runs all.
  grepInvert: runsAll ? undefined : /@soak/,
  // `npm test` names the file of the JSON report in PLAYWRIGHT_JSON_OUTPUT_FILE; by hand only the list is wanted.
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ? [["list"], ["json"]] : "list",
  projects: [
    {
      name: "shared",
      testIgnore: ["dedicated.spec.ts", "engines.spec.ts"],
      use: launched(CHROMIUM_ARGS),
    },
    // Where tabs bring dedicated workers: the scenes that depend on the worker's kind.
    {
      name: "dedicated",
      testMatch: ["dedicated.spec.ts", "offline.spec.ts", "accounts.spec.ts", "kills.spec.ts", "share.spec.ts"],
      grep: runsAll ? /\(T21|\(T25|\(T26|after kills|scene 2: five|scene 3: (without|a new)/ : /\(T21|scene 2: five/,
      use: launched(DEDICATED_ARGS),
    },
    // Firefox and WebKitGTK, by drivers of their own: Playwright drives only its own builds of them.
    { name: "engines", testMatch: "engines.spec.ts", fullyParallel: true, timeout: 120_000 },
  ],
})

function launched(args: string[]) {
  return { browserName: "chromium" as const, launchOptions: { executablePath: chromiumPath(), args } }
}

/** What scripts/test.mjs found (empty: Playwright's own), or the first Chromium on the PATH. */
function chromiumPath(): string | undefined {
  const given = process.env.LF_CHROMIUM_PATH ?? process.env.LF_CHROMIUM
  if (given !== undefined) return given || undefined
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim()
    } catch {
      // Not this one; with none at all Playwright uses its own.
    }
  }
  return undefined
}
