#!/usr/bin/env node
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { toLfError } from "@lf/core/internal"
import { backup, doctor, inspect, list, type Options, type Printed, remove, reset, restore, sql } from "./commands.ts"

const USAGE = `usage: lf list
       lf inspect <doc>
       lf sql <doc> <query>
       lf backup <doc> <file> [--force]
       lf restore <doc> <file>
       lf delete <doc> --force
       lf reset [dir]
       lf doctor [url]

  list     the documents of the data directory, with their bytes on disk and when they were changed.
  inspect  one document: its tables and their rows, its pages, clients and migrations.
  sql      the rows of a query that reads, one line of JSON each.
  backup   writes a document as one SQLite file. --force replaces a file.
  restore  makes a SQLite file the content of a document; the one that was there is kept. Stop the server first.
  delete   deletes a document for good. Stop the server first.
  reset    deletes every document in the data directory. For development.
  doctor   checks the app in this directory, its data directory and, at a url, the running server; status 1 if
           something has to be done.

  --data   the data directory (default: $LF_DATA_DIR, else .lf). list, inspect, sql and backup read it while a server runs.
`

const OPTIONS = {
  data: { type: "string" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const

/** How many words follow the command, and whether it has --force: "may", "must" or not at all. */
const COMMANDS: Record<string, { run: (o: Options) => Promise<Printed>; words: number[]; force?: "may" | "must" }> = {
  list: { run: list, words: [0] },
  inspect: { run: inspect, words: [1] },
  sql: { run: sql, words: [2] },
  backup: { run: backup, words: [2], force: "may" },
  restore: { run: restore, words: [2] },
  delete: { run: remove, words: [1], force: "must" },
  reset: { run: reset, words: [0, 1] },
  doctor: { run: doctor, words: [0, 1] },
}

type Parsed = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args)
  if (parsed?.values.help) {
    process.stderr.write(USAGE)
    return 0
  }
  const run = parsed === null ? null : commandOf(parsed)
  if (run === null) {
    process.stderr.write(USAGE)
    return 2
  }
  try {
    const { text, isFine = true } = await run()
    process.stdout.write(`${text}\n`)
    return isFine ? 0 : 1
  } catch (error) {
    const { code, message } = toLfError(error, "LOG_FAILED")
    process.stderr.write(`lf ${args[0]}: ${code}: ${message}\n`)
    return 1
  }
}

function parse(args: readonly string[]): Parsed | null {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch {
    return null
  }
}

/** The command to run; null: bad usage. */
function commandOf({ positionals, values }: Parsed): (() => Promise<Printed>) | null {
  const [name = "", ...words] = positionals
  const { data, force = false } = values
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined || !command.words.includes(words.length)) return null
  if (force ? command.force === undefined : command.force === "must") return null
  // A directory is said once.
  if (name === "reset" && words.length > 0 && data !== undefined) return null
  const dataDir = resolve(data ?? process.env.LF_DATA_DIR ?? ".lf")
  return () => command.run({ dataDir, words, force })
}

process.exitCode = await main(process.argv.slice(2))
