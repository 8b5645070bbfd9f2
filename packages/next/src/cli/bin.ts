#!/usr/bin/env node
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { toLfError } from "@lf/core/internal"
import { backupDocument } from "../documents/backup.ts"
import { resetDirectory } from "../documents/reset.ts"
import { restoreDocument } from "../documents/restore.ts"

const USAGE = `usage: lf backup <doc> <file> [--data dir] [--force]
       lf restore <doc> <file> [--data dir]
       lf reset [dir]

  backup   writes a document as one SQLite file, also while a server has it open. --force replaces a file.
  restore  makes a SQLite file the content of a document; the one that was there is kept. Stop the server first.
  reset    deletes every document in the data directory. For development.

  --data   the data directory (default: $LF_DATA_DIR, else .lf)
`

const OPTIONS = {
  data: { type: "string" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const

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
    process.stdout.write(`${await run()}\n`)
    return 0
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

/** The command to run and the line to print after it; null: bad usage. */
function commandOf({ positionals, values }: Parsed): (() => Promise<string>) | null {
  const [command, first = "", second = ""] = positionals
  const { data, force = false } = values
  const dataDir = resolve(data ?? process.env.LF_DATA_DIR ?? ".lf")
  if (command === "reset") {
    if (positionals.length > 2 || force || (data !== undefined && first !== "")) return null
    return () => reset(first === "" ? dataDir : resolve(first))
  }
  if (positionals.length !== 3) return null
  const at = { dataDir, docId: first, file: resolve(second) }
  if (command === "backup") return () => backup(at, force)
  return command === "restore" && !force ? () => restore(at) : null
}

interface Place {
  readonly dataDir: string
  readonly docId: string
  readonly file: string
}

async function backup(at: Place, force: boolean): Promise<string> {
  const { pageCount } = await backupDocument({ ...at, existing: force ? "replace" : "keep" })
  return `${at.file}: document ${at.docId}, ${counted(pageCount, "page")}`
}

async function restore(at: Place): Promise<string> {
  const { pageCount, epoch, keptAt } = await restoreDocument(at)
  const before = keptAt === null ? "there was none before" : `what was there before is in ${keptAt}`
  return `document ${at.docId}: ${counted(pageCount, "page")} from ${at.file}, epoch ${epoch}; ${before}`
}

async function reset(path: string): Promise<string> {
  const count = await resetDirectory(path)
  return count === null ? `${path}: no data here` : `${path}: deleted ${counted(count, "document")}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}

process.exitCode = await main(process.argv.slice(2))
