#!/usr/bin/env node
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { LfError } from "@lf/core"
import { toLfError } from "@lf/core/internal"
import { FileStore } from "../documents/file-store.ts"
import {
  backup,
  checkPlace,
  copyToDatabase,
  copyToDirectory,
  doctor,
  exportTo,
  importFrom,
  inspect,
  list,
  migrateStore,
  type Options,
  type Printed,
  rebalance,
  remove,
  reset,
  restore,
  sql,
  types,
} from "./commands.ts"
import { databaseStore, databaseUrls } from "./database-store.ts"

const USAGE = `usage: lf list
       lf inspect <doc>
       lf sql <doc> <query>
       lf backup <doc> <file> [--force]
       lf restore <doc> <file>
       lf export <doc> <file> [--force]
       lf import <doc> <file>... [--table <table>] [--like <doc> | --mutator <file>]
       lf delete <doc> --force
       lf reset [dir]
       lf migrate-store
       lf copy-to-database [<doc>...]
       lf copy-to-directory [<doc>...]
       lf rebalance [--without <database>]...
       lf types [dir] [--mutator <file>] [--check | --watch]
       lf doctor [url]

  list     the documents of the data directory, with their bytes on disk and when they were changed.
  inspect  one document: its tables and their rows, its pages, clients and migrations.
  sql      the rows of a query that reads, one line of JSON each.
  backup   writes a document as one SQLite file. --force replaces a file.
  restore  makes a SQLite file the content of a document; the one that was there is kept, of a database's document a
           backup beside the file. Stop the server first.
  export   writes the app's own tables of a document as one SQLite file, which cannot be restored.
  import   adds rows to a document, all or none: of SQLite files, or of <table>.jsonl and <table>.csv. Stop the server
           first. --like makes a new document with the tables of another, --mutator with those of the app's migrations.
  delete   deletes a document for good. Stop the server first.
  reset    deletes every document in the data directory. For development.
  migrate-store
           makes or updates the tables of lf in the database of $LF_DATABASE_URL. A second run changes nothing.
  copy-to-database
           copies every document of the data directory, or those that are named, into the database of $LF_DATABASE_URL;
           browsers go on with the copy. What is there already and is the same is left, what differs is refused. Stop
           the server first.
  copy-to-directory
           the other way, into a directory that is empty or has the same documents. Stop the servers first.
  rebalance
           spreads the documents over all databases of $LF_DATABASE_URL, while servers run. --without takes all documents
           out of one, named as postgres://host:5432/database. What was cut is finished by the next run.
  types    checks the sql of the app against its migrations and writes the types of its rows to lf-types.d.ts; status 1 for
           a wrong column, table or syntax. --check writes nothing and fails when the file is old, --watch goes on.
  doctor   checks the app in this directory, its data directory or the databases of $LF_DATABASE_URL and, at a url, the
           running server; status 1 if something has to be done.

  --data   the data directory (default: $LF_DATA_DIR, else .lf). list, inspect, sql, backup and export
           read it while a server runs. Without --data, and with $LF_DATABASE_URL, these and delete, import and
           restore use the database; the last three while no server has the document open.
  --namespace
           of the documents in the database (default: main).

  $LF_DATABASE_URL is one database or, with spaces between them, all of those over which documents are spread.
`

const OPTIONS = {
  data: { type: "string" },
  namespace: { type: "string" },
  force: { type: "boolean" },
  table: { type: "string" },
  like: { type: "string" },
  mutator: { type: "string" },
  check: { type: "boolean" },
  watch: { type: "boolean" },
  without: { type: "string", multiple: true },
  help: { type: "boolean", short: "h" },
} as const

interface Command {
  readonly run: (options: Options) => Promise<Printed>
  /** How many words may follow the command. */
  readonly words: { readonly min: number; readonly max: number }
  /** Whether it has --force. */
  readonly force?: "may" | "must"
  /** Documents of a data directory alone, or no documents at all. Default: of the data directory or the database. */
  readonly of?: "directory" | "nothing"
  /** It needs documents that are there, and makes no place for them. */
  readonly reads?: true
  /** The options that it has besides. */
  readonly options?: readonly ("table" | "like" | "mutator" | "check" | "watch" | "without")[]
}

const words = (min: number, max = min) => ({ min, max })
const COMMANDS: Record<string, Command> = {
  list: { run: list, words: words(0), reads: true },
  inspect: { run: inspect, words: words(1), reads: true },
  sql: { run: sql, words: words(2), reads: true },
  backup: { run: backup, words: words(2), force: "may", reads: true },
  export: { run: exportTo, words: words(2), force: "may", reads: true },
  import: {
    run: importFrom,
    words: words(2, Number.POSITIVE_INFINITY),
    options: ["table", "like", "mutator"],
  },
  restore: { run: restore, words: words(2) },
  delete: { run: remove, words: words(1), force: "must", reads: true },
  reset: { of: "directory", run: reset, words: words(0, 1) },
  "migrate-store": { run: migrateStore, words: words(0) },
  "copy-to-database": { run: copyToDatabase, words: words(0, Number.POSITIVE_INFINITY) },
  "copy-to-directory": { run: copyToDirectory, words: words(0, Number.POSITIVE_INFINITY) },
  rebalance: { run: rebalance, words: words(0), options: ["without"] },
  types: { of: "nothing", run: types, words: words(0, 1), options: ["mutator", "check", "watch"] },
  doctor: { of: "nothing", run: doctor, words: words(0, 1) },
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
  const { data, namespace, force = false, help: _, ...options } = values
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined || words.length < command.words.min || words.length > command.words.max) return null
  if (Object.keys(options).some((option) => !command.options?.some((known) => known === option))) return null
  if (options.check && options.watch) return null
  if (options.like !== undefined && options.mutator !== undefined) return null
  if (force ? command.force === undefined : command.force === "must") return null
  // A directory is said once.
  if (name === "reset" && words.length > 0 && data !== undefined) return null
  const dataDir = resolve(data ?? (process.env.LF_DATA_DIR || ".lf"))
  return async () => {
    const isDirectoryNamed = data !== undefined || (name === "reset" && words.length > 0)
    if (command.of === "directory" && databaseUrls().length > 0 && !isDirectoryNamed)
      throw new LfError(
        "LOG_FAILED",
        `LF_DATABASE_URL is set, and lf ${name} knows data directories alone: name one with --data`,
      )
    const database = command.of === undefined ? await databaseStore(namespace) : null
    const store = data === undefined && database !== null ? database : new FileStore(dataDir)
    try {
      const given = { dataDir, isDirectoryNamed, store, database, words, force, ...options }
      if (command.reads) await checkPlace(given)
      return await command.run(given)
    } finally {
      await store.close()
      await database?.close()
    }
  }
}

process.exitCode = await main(process.argv.slice(2))
