#!/usr/bin/env node
import { main } from "./main.ts"

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  // No permission or a full disk: print one line instead of a stack.
  process.stderr.write(`create-lf-app: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
