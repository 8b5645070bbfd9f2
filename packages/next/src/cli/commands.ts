// What each command does, and the lines that it prints.
import { dirname, resolve } from "node:path"
import { LfError } from "@lf/core"
import type { DocumentStore } from "@lf/core/internal"
import { backupDocument } from "../documents/backup.ts"
import { type CopyOptions, copyDocuments } from "../documents/copy-documents.ts"
import { exportDocument } from "../documents/export.ts"
import { FileStore } from "../documents/file-store.ts"
import { importRows, importRowsInto } from "../documents/import-rows.ts"
import { resetDirectory } from "../documents/reset.ts"
import { restoreDocument, restoreInto } from "../documents/restore.ts"
import { checkDataDirectory, openAtRest } from "../documents/stored-documents.ts"
import { schemaOfApp } from "../row-types/row-types.ts"
import { linesOf, runOnChange, typesReport, writeTypes } from "../row-types/watch-types.ts"
import { checkDatabases, type DatabaseStore, databaseUrls, storeVersions } from "./database-store.ts"
import { examine } from "./doctor.ts"

export interface Options {
  readonly dataDir: string
  /** By a word of the command line, which goes before LF_DATABASE_URL. */
  readonly isDirectoryNamed: boolean
  /** The data directory, or the database. Opened by the first use; `bin.ts` closes it. */
  readonly store: DocumentStore
  /** Null: LF_DATABASE_URL is not set. */
  readonly database: DatabaseStore | null
  /** What followed the command. */
  readonly words: readonly string[]
  readonly force: boolean
  readonly table?: string | undefined
  readonly like?: string | undefined
  readonly mutator?: string | undefined
  readonly check?: boolean | undefined
  readonly watch?: boolean | undefined
  readonly without?: readonly string[] | undefined
}

/** What a command prints. Not fine: it did what it should, and found something that is wrong. */
export interface Printed {
  readonly text: string
  readonly isFine?: boolean
}

/** For commands that read: opening a directory or a database would make what is missing. @throws LOG_FAILED */
export async function checkPlace({ dataDir, store }: Options): Promise<void> {
  await (store.name === dataDir ? checkDataDirectory(dataDir) : checkDatabases())
}

export async function list({ store }: Options): Promise<Printed> {
  const documents = await store.list()
  const lines = documents.map(({ docId, bytes, changedAt }) => [docId, sizeOf(bytes), changedAt.toISOString()])
  return { text: [...tableOf(lines), `${store.name}: ${counted(documents.length, "document")}`].join("\n") }
}

export async function inspect({ store, words: [docId] }: Options): Promise<Printed> {
  const document = await openAtRest(store, docId)
  try {
    const { pageCount, freePages, clientCount, migrationCount } = document
    const size = `${sizeOf(pageCount * 4096)}, ${counted(pageCount, "page")}, ${freePages} of them free`
    const rows = document.tables().map(({ name, rows }) => [name, counted(rows, "row")])
    const by = `${counted(migrationCount, "migration")}, ${counted(clientCount, "client")}`
    return { text: [`${docId}: ${size}; ${by}`, ...tableOf(rows)].join("\n") }
  } finally {
    document.close()
  }
}

export async function sql({ store, words: [docId, text] }: Options): Promise<Printed> {
  const document = await openAtRest(store, docId)
  try {
    const rows = document.query({ sql: text, parameters: [] })
    return { text: rows.map((row) => JSON.stringify(row, inJson)).join("\n") }
  } finally {
    document.close()
  }
}

export async function backup({ store, words: [docId, path], force }: Options): Promise<Printed> {
  const file = resolve(path)
  const { pageCount } = await backupDocument({ from: store, docId, file, existing: force ? "replace" : "keep" })
  return { text: `${file}: document ${docId}, ${counted(pageCount, "page")}` }
}

export async function exportTo({ store, words: [docId, path], force }: Options): Promise<Printed> {
  const file = resolve(path)
  const { pageCount } = await exportDocument({ from: store, docId, file, existing: force ? "replace" : "keep" })
  return { text: `${file}: the tables of document ${docId}, ${counted(pageCount, "page")}` }
}

export async function importFrom(options: Options): Promise<Printed> {
  const { dataDir, store, table, like, mutator } = options
  const [docId, ...paths] = options.words
  // The first document of all has the app's tables.
  if (mutator === undefined) await checkPlace(options)
  const schema = mutator === undefined ? undefined : await schemaOfApp(process.cwd(), mutator)
  const startMs = performance.now()
  const files = paths.map((path) => resolve(path))
  const given = { docId, files, table, like, schema }
  const { rows, pageCount } = await showing((show) => {
    const onProgress = (rows: number) => show(`${rows.toLocaleString("en")} rows`)
    return store.name === dataDir
      ? importRows({ dataDir, ...given, onProgress })
      : importRowsInto(store, { ...given, onProgress })
  })
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  return { text: `document ${docId}: ${counted(rows, "row")} more in ${seconds} s, ${counted(pageCount, "page")}` }
}

export async function restore({ dataDir, store, words: [docId, path] }: Options): Promise<Printed> {
  const file = resolve(path)
  const { pageCount, epoch, keptAt } = await (store.name === dataDir
    ? restoreDocument({ dataDir, docId, file })
    : restoreInto({ store, docId, file, keepIn: dirname(file) }))
  const before = keptAt === null ? "there was none before" : `what was there before is in ${keptAt}`
  return { text: `document ${docId}: ${counted(pageCount, "page")} from ${file}, epoch ${epoch}; ${before}` }
}

export async function remove({ store, words: [docId] }: Options): Promise<Printed> {
  if (!(await store.has(docId))) throw new LfError("DOC_NOT_FOUND", `there is no document ${docId} in ${store.name}`)
  await store.begin()
  await store.delete(docId)
  return { text: `${docId}: deleted` }
}

export async function reset({ dataDir, words: [path] }: Options): Promise<Printed> {
  const directory = path === undefined ? dataDir : resolve(path)
  const count = await resetDirectory(directory)
  const done = count === null ? "no data here" : `deleted ${counted(count, "document")}`
  return { text: `${directory}: ${done}` }
}

/** @throws LOG_FAILED LOG_FORMAT_NEWER */
export async function migrateStore({ database }: Options): Promise<Printed> {
  const { from, to } = await databaseOf(database).migrate()
  return { text: from === to ? `the store has version ${to} already` : `the store: from version ${from} to ${to}` }
}

/** Copies documents of the data directory into the database. @throws SERVER_DIRECTORY_OWNED, and what copying throws */
export async function copyToDatabase({ dataDir, database, words }: Options): Promise<Printed> {
  const to = databaseOf(database)
  await checkDataDirectory(dataDir)
  const from = new FileStore(dataDir)
  return await copy({ from, to, docIds: words }).finally(() => from.close())
}

/** The other way. @throws SERVER_DIRECTORY_OWNED, and what copying throws */
export async function copyToDirectory({ dataDir, database, words }: Options): Promise<Printed> {
  const from = databaseOf(database)
  await checkDatabases()
  const to = new FileStore(dataDir)
  return await copy({ from, to, docIds: words, others: "refuse" }).finally(() => to.close())
}

async function copy({ docIds = [], ...options }: CopyOptions): Promise<Printed> {
  const chosen = docIds.length === 0 ? undefined : docIds
  const { copied, left } = await showing((show) => {
    const onProgress = (done: number, all: number) => show(`${done} of ${counted(all, "document")}`)
    return copyDocuments({ ...options, docIds: chosen, onProgress })
  })
  const others = left === 0 ? "" : `; left ${left} that ${left === 1 ? "was" : "were"} there already`
  return { text: `${options.to.name}: ${counted(copied, "document")} from ${options.from.name}${others}` }
}

/** Spreads the documents over the databases of LF_DATABASE_URL. @throws LOG_OWNED LOG_FAILED LOG_FULL */
export async function rebalance({ database, without = [] }: Options): Promise<Printed> {
  const { moved, left, shards } = await showing((show) => {
    const onProgress = (moved: number) => show(`${counted(moved, "document")} moved`)
    return databaseOf(database).rebalance({ without, onProgress })
  })
  const reasons = left.map(({ document, error }) => `left ${document}: ${error.code}: ${error.message}`)
  const again = left.length > 0 ? "; run it again for those that are left" : ""
  const where = `${counted(moved, "document")} moved; new ones go to ${shards.join(" and ")}${again}`
  return { text: [...reasons, where].join("\n"), isFine: left.length === 0 }
}

/** A line on a terminal that says how far the work is, and is gone when it ends. */
async function showing<T>(work: (show: (progress: string) => void) => Promise<T>): Promise<T> {
  const { isTTY } = process.stderr
  const write = (text: string) => {
    if (isTTY) process.stderr.write(text)
  }
  try {
    return await work((progress) => write(`\r${progress}`))
  } finally {
    write("\r\x1b[K")
  }
}

function databaseOf(database: DatabaseStore | null): DatabaseStore {
  if (database !== null) return database
  throw new LfError("LOG_FAILED", "expected LF_DATABASE_URL=postgres://user:password@host/database")
}

/** Checks the app's sql and writes the types of its rows: once, or after every change until the process ends. */
export async function types({ words: [path], mutator, check = false, watch = false }: Options): Promise<Printed> {
  const appDir = resolve(path ?? ".")
  const once = () => writeTypes({ appDir, mutatorFile: mutator, isCheck: check })
  if (!watch) return linesOf(await once(), check)
  const stop = new AbortController()
  process.once("SIGINT", () => stop.abort())
  let before = ""
  const report = async () => {
    const { text, isFine } = await typesReport({ appDir, mutatorFile: mutator })
    // It stands between the lines of `next dev`: that all is still sound is not printed after every save.
    if (text !== before || !isFine) process.stdout.write(`${text}\n`)
    before = text
  }
  await runOnChange(appDir, report, stop.signal)
  return { text: "" }
}

export async function doctor({ dataDir, isDirectoryNamed, words: [url] }: Options): Promise<Printed> {
  const hasDatabase = databaseUrls().length > 0 && !isDirectoryNamed
  const findings = await examine({ appDir: process.cwd(), dataDir, ...(hasDatabase && { storeVersions }), url })
  const lines = findings.map(({ what, remedy }) =>
    remedy === null ? `ok    ${what}` : `fix   ${what}\n      ${remedy}`,
  )
  return { text: lines.join("\n"), isFine: findings.every(({ remedy }) => remedy === null) }
}

/** What JSON has no form for: large integers as text, bytes as hexadecimal text. */
function inJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value
}

function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i].length))) ?? []
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd(),
  )
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return counted(bytes, "byte")
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}
