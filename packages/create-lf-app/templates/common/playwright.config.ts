import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "@playwright/test"

const port = Number(process.env.PORT ?? 4010)
const baseURL = `http://localhost:${port}`

export default defineConfig({
  testDir: "e2e",
  use: {
    baseURL,
    // A Chromium of your own; by default the one of `npx playwright install chromium`.
    launchOptions: { executablePath: process.env.CHROMIUM_PATH },
  },
  webServer: {
    command: `npm run build && npm run start -- --port ${port}`,
    url: `${baseURL}/api/lf`,
    timeout: 180_000,
    env: { LF_DATA_DIR: join(tmpdir(), `lf-e2e-${process.pid}`) },
  },
})
