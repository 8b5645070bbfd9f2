import { open, rm } from "node:fs/promises"
import { basename, dirname, extname } from "node:path"
import { isLfError, LfError, type SqlValue } from "@lf/core"
import {
  type DocumentSchema,
  type DocumentStore,
  loadChecksum,
  MemoryDisk,
  type MissingParent,
  type OpenedLog,
  RowImport,
  SqliteFile,
} from "@lf/core/internal"
import { nodeFsCalls } from "../node/fs-calls.ts"
import { acquireDirectory, openFsLog } from "../node/fs-log.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { replaceDocument } from "./copy-documents.ts"
import { docDirectory, isStored } from "./document-directory.ts"
import { FileStore } from "./file-store.ts"
import { openAtRest } from "./stored-documents.ts"
import { type FileRow, type TextFormat, textRows } from "./text-rows.ts"

/** How often `onProgress` is called. */
const PROGRESS_ROWS = 10_000
const FORMATS: Readonly<Record<string, TextFormat>> = { ".jsonl": "json-lines", ".ndjson": "json-lines", ".csv": "csv" }

export interface ImportRowsOptions extends FilledFrom {
  readonly dataDir: string
}

/** What is added to which document. */
export interface FilledFrom {
  readonly docId: string
  /** SQLite files, or files of JSON lines or CSV whose names are their table's: "todos.csv". */
  readonly files: readonly string[]
  /** The table of the rows, where the file's name is another. */
  readonly table?: string | undefined
  /** For a document that does not exist yet: one that has the app's schema already, or the schema. */
  readonly like?: string | undefined
  readonly schema?: DocumentSchema | undefined
  /** Called now and then with the rows so far. */
  readonly onProgress?: (rows: number) => void
  /** For tests. */
  readonly pagesMax?: number
}

export interface ImportedRows {
  readonly rows: number
  readonly pageCount: number
}

/**
 * Adds the rows of files to a document, without a mutation each: all or none. Browsers get them as pages when they
 * connect. What the app derives of a row by its mutators is not made; triggers run.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND IMPORT_INVALID DOC_TOO_LARGE SERVER_DIRECTORY_OWNED LOG_CORRUPT LOG_FAILED LOG_FULL
 */
export async function importRows(options: ImportRowsOptions): Promise<ImportedRows> {
  const { dataDir, docId } = options
  const directory = docDirectory(dataDir, docId)
  await loadChecksum()
  const sources = await sourcesOf(options)
  const isNew = mustBeNew(options, await isStored(directory), directory)
  const lock = await acquireDirectory(dataDir)
  try {
    if (!isNew) return await fill(await openFsLog(directory), sources, options)
    const schema = await schemaFor(new FileStore(dataDir), options)
    // No document id has a dot, so this name is no document's.
    const made = `${directory}.importing`
    await rm(made, { recursive: true, force: true })
    try {
      const imported = await fill(await openFsLog(made), sources, options, schema)
      await nodeFsCalls.rename(made, directory)
      await nodeFsCalls.syncDirectory(dirname(directory))
      return imported
    } catch (error) {
      await rm(made, { recursive: true, force: true })
      throw error
    }
  } finally {
    await lock.release()
  }
}

/**
 * The same in a store that servers share, while none of them has the document open.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND IMPORT_INVALID DOC_TOO_LARGE LOG_OWNED LOG_CORRUPT LOG_FAILED LOG_FULL
 */
export async function importRowsInto(store: DocumentStore, options: FilledFrom): Promise<ImportedRows> {
  const { docId } = options
  await loadChecksum()
  const sources = await sourcesOf(options)
  await store.begin()
  if (!mustBeNew(options, await store.has(docId), store.name)) {
    return await fill(await store.open(docId), sources, options)
  }
  const disk = new MemoryDisk()
  const imported = await fill(await disk.open(docId), sources, options, await schemaFor(store, options))
  await replaceDocument(store, docId, await disk.open(docId))
  return imported
}

function sourcesOf({ files, table }: FilledFrom): Promise<RowSource[]> {
  return Promise.all(files.map((file) => sourceOf(file, table)))
}

/** Whether the options are those of a new document. @throws DOC_NOT_FOUND IMPORT_INVALID */
function mustBeNew({ docId, like, schema }: FilledFrom, isThere: boolean, place: string): boolean {
  const isNew = like !== undefined || schema !== undefined
  if (!isThere && !isNew)
    throw new LfError(
      "DOC_NOT_FOUND",
      `there is no document ${docId} in ${place}: say --mutator <file of defineMutator>, or --like <doc>, for a new one`,
    )
  if (isThere && isNew)
    throw new LfError(
      "IMPORT_INVALID",
      `expected a new document with --like or --mutator, got ${docId}, which is there`,
    )
  return isNew
}

async function schemaFor(store: DocumentStore, { docId, like, schema }: FilledFrom): Promise<DocumentSchema> {
  return schema ?? (await schemaLike(store, like ?? docId))
}

async function schemaLike(store: DocumentStore, docId: string): Promise<DocumentSchema> {
  const document = await openAtRest(store, docId)
  try {
    return document.schema()
  } finally {
    document.close()
  }
}

async function fill(
  opened: OpenedLog,
  sources: readonly RowSource[],
  { onProgress = () => {}, pagesMax }: FilledFrom,
  schema?: DocumentSchema,
): Promise<ImportedRows> {
  const into = await RowImport.open({
    opened,
    module: await loadSqlite(),
    host: nodeHost,
    ...(schema === undefined ? {} : { schema }),
    ...(pagesMax === undefined ? {} : { pagesMax }),
  })
  const add = (table: string, { values }: Pick<FileRow, "values">) => {
    into.add(table, values)
    if (into.rows % PROGRESS_ROWS === 0) onProgress(into.rows)
  }
  try {
    for (const source of sources) await source.read(into, add)
    const missing = into.missingParent()
    if (missing !== null) throw await missingError(missing, sources, into)
  } catch (error) {
    await into.abandon()
    throw error
  }
  return await into.finish()
}

/** Adds a row, or looks at it. */
type Add = (table: string, row: FileRow) => void

interface RowSource {
  /** @throws IMPORT_INVALID with the file and the row */
  read(into: RowImport, add: Add): Promise<void>
}

/** @throws IMPORT_INVALID */
async function sourceOf(file: string, table: string | undefined): Promise<RowSource> {
  if (await isSqlite(file)) return sqliteSource(file, table)
  const extension = extname(file)
  const format = FORMATS[extension.toLowerCase()]
  if (format === undefined)
    throw new LfError("IMPORT_INVALID", `${file}: expected a SQLite file, .jsonl, .ndjson or .csv, got another`)
  const name = table ?? basename(file, extension)
  return {
    async read(into, add) {
      for await (const rows of textRows(file, format, into.columnsOf(name))) {
        for (const row of rows) named(file, `line ${row.line}`, () => add(name, row))
      }
    },
  }
}

function sqliteSource(file: string, only: string | undefined): RowSource {
  return {
    async read(into, add) {
      const from = new SqliteFile(await loadSqlite(), await nodeFsCalls.read(file))
      try {
        const tables = from.tables().filter(({ name }) => only === undefined || name === only)
        if (tables.length === 0) throw new LfError("IMPORT_INVALID", `${file}: expected tables to import, got none`)
        for (const table of tables) {
          const names = into.columnsOf(table.name).map(({ name }) => name)
          const unknown = table.columns.find((name) => !names.includes(name))
          if (unknown !== undefined)
            throw new LfError(
              "IMPORT_INVALID",
              `${file}: expected columns of ${table.name} (${names.join(", ")}), got "${unknown}"`,
            )
          let line = 0
          from.each(table, (values) => {
            line++
            named(file, `row ${line} of ${table.name}`, () => add(table.name, { line, values }))
          })
        }
      } finally {
        from.close()
      }
    },
  }
}

/** @throws IMPORT_INVALID when the file cannot be read */
async function isSqlite(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "r")
    try {
      const { buffer } = await handle.read(Buffer.alloc(16), 0, 16, 0)
      return buffer.toString("latin1") === "SQLite format 3\0"
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new LfError("IMPORT_INVALID", `${file}: the file cannot be read`, { cause })
  }
}

/** Runs `add` with the place of its row in the message of an error. */
function named(file: string, place: string, add: () => void): void {
  try {
    add()
  } catch (cause) {
    if (!isLfError(cause) || cause.code !== "IMPORT_INVALID") throw cause
    throw new LfError("IMPORT_INVALID", `${file}, ${place}: ${cause.message}`, { cause })
  }
}

/** Reads the files again, for the first row with these values. */
async function missingError(missing: MissingParent, sources: readonly RowSource[], into: RowImport): Promise<LfError> {
  const { table, parent, values } = missing
  const wanted = Object.entries(values)
  const why = `it refers to a row of ${parent} that is not there (${wanted.map(([name]) => name).join(", ")})`
  const look: Add = (name, row) => {
    if (name !== table || !wanted.every(([column, value]) => isSame(row.values[column], value))) return
    throw new LfError("IMPORT_INVALID", why)
  }
  for (const source of sources) {
    try {
      await source.read(into, look)
    } catch (error) {
      if (isLfError(error)) return error
      throw error
    }
  }
  return new LfError("IMPORT_INVALID", `a row of ${table}: ${why}`)
}

/** Texts of a CSV file are numbers in the table. */
function isSame(given: SqlValue | undefined, stored: SqlValue): boolean {
  return given === stored || (given !== undefined && given !== null && String(given) === String(stored))
}
