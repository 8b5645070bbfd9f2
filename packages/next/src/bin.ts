#!/usr/bin/env node
import { resolve } from "node:path"
import { toLfError } from "@lf/core"
import { resetDirectory } from "./reset.ts"

const USAGE = `usage: lf reset [dir]

  reset   deletes every document in the data directory (default: $LF_DATA_DIR, else .lf). For development.
`

async function main(args: readonly string[]): Promise<number> {
  const [command, directory = process.env.LF_DATA_DIR ?? ".lf", ...rest] = args
  if (command !== "reset" || rest.length > 0 || directory.startsWith("-")) {
    process.stderr.write(USAGE)
    return command === "--help" || command === "-h" ? 0 : 2
  }
  const path = resolve(directory)
  try {
    const count = await resetDirectory(path)
    process.stdout.write(
      count === null
        ? `${path}: no data here\n`
        : `${path}: deleted ${count} ${count === 1 ? "document" : "documents"}\n`,
    )
    return 0
  } catch (error) {
    const { code, message } = toLfError(error, "LOG_FAILED")
    process.stderr.write(`lf reset: ${code}: ${message}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
