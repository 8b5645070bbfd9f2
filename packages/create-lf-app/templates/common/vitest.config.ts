import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    // The first test of a file loads SQLite.
    testTimeout: 15_000,
    expect: { poll: { timeout: 10_000 } },
    setupFiles: ["tests/setup.ts"],
  },
})
