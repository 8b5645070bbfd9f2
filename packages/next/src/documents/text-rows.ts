import { createReadStream } from "node:fs"
import { LfError, type SqlValue } from "@lf/core"
import type { ImportColumn } from "@lf/core/internal"

/** Bytes that are read at once. */
const CHUNK_BYTES = 1024 * 1024
/** Characters of one row. SQLite's own limit of a value is 16 MiB. */
const ROW_CHARS_MAX = 16 * 1024 * 1024

/** One row of a file, with the number of its first line. */
export interface FileRow {
  readonly line: number
  readonly values: Readonly<Record<string, SqlValue>>
}

export type TextFormat = "json-lines" | "csv"

/** The rows of a text file, some at a time. @throws IMPORT_INVALID with the line */
export async function* textRows(
  file: string,
  format: TextFormat,
  columns: readonly ImportColumn[],
): AsyncGenerator<readonly FileRow[]> {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  let header: readonly string[] | null = null
  for await (const records of recordsOf(file, format)) {
    const rows: FileRow[] = []
    for (const { line, text } of records) {
      if (format === "json-lines") {
        if (text.trim() !== "") rows.push({ line, values: jsonRow(file, line, text, types) })
      } else if (header === null) header = headerOf(file, text, types)
      else rows.push({ line, values: csvRow({ file, line, text, header, types }) })
    }
    yield rows
  }
  if (format === "csv" && header === null)
    throw invalid(file, 1, "expected a line with the names of the columns, got none")
}

interface Line {
  readonly line: number
  readonly text: string
}

/** Lines; in CSV a record goes on as long as a quote is open. */
async function* recordsOf(file: string, format: TextFormat): AsyncGenerator<readonly Line[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const isCsv = format === "csv"
  let rest = ""
  let line = 1
  const take = (text: string, isEnd: boolean): Line[] => {
    const found: Line[] = []
    let start = 0
    let from = 0
    for (;;) {
      const at = text.indexOf("\n", from)
      if (at === -1) break
      from = at + 1
      if (isCsv && hasOpenQuote(text, start, at)) continue
      const record = text.slice(start, text[at - 1] === "\r" ? at - 1 : at)
      found.push({ line, text: record })
      line += 1 + (isCsv ? newlinesIn(record) : 0)
      start = from
    }
    rest = text.slice(start)
    if (rest.length > ROW_CHARS_MAX) throw invalid(file, line, `expected a row of at most ${ROW_CHARS_MAX} characters`)
    if (!isEnd || rest === "") return found
    if (isCsv && hasOpenQuote(rest, 0, rest.length)) throw invalid(file, line, "expected a closing quote, got the end")
    return [...found, { line, text: rest.endsWith("\r") ? rest.slice(0, -1) : rest }]
  }
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      yield take(rest + decoder.decode(bytes as Uint8Array, { stream: true }), false)
    }
    yield take(rest + decoder.decode(), true)
  } catch (cause) {
    if (cause instanceof TypeError) throw invalid(file, line, "expected UTF-8, got other bytes", cause)
    throw cause
  }
}

function hasOpenQuote(text: string, start: number, end: number): boolean {
  let isOpen = false
  for (let at = text.indexOf('"', start); at !== -1 && at < end; at = text.indexOf('"', at + 1)) isOpen = !isOpen
  return isOpen
}

function newlinesIn(text: string): number {
  let count = 0
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++
  return count
}

function headerOf(file: string, text: string, types: ReadonlyMap<string, string>): readonly string[] {
  const names = fieldsOf(file, 1, text).map((name) => name ?? "")
  for (const name of names) checkColumn(file, 1, name, types)
  if (new Set(names).size < names.length) throw invalid(file, 1, "expected each column once, got one twice")
  return names
}

function csvRow(row: {
  readonly file: string
  readonly line: number
  readonly text: string
  readonly header: readonly string[]
  readonly types: ReadonlyMap<string, string>
}): Record<string, SqlValue> {
  const { file, line, text, header, types } = row
  const fields = fieldsOf(file, line, text)
  if (fields.length !== header.length)
    throw invalid(file, line, `expected ${header.length} fields, got ${fields.length}`)
  const values: Record<string, SqlValue> = {}
  header.forEach((name, i) => {
    const field = fields[i]
    values[name] = field === null || types.get(name) !== "BLOB" ? field : bytesOf(file, line, name, field)
  })
  return values
}

/** The fields of one record. An empty one without quotes is null. */
function fieldsOf(file: string, line: number, text: string): (string | null)[] {
  if (!text.includes('"')) return text.split(",").map((field) => (field === "" ? null : field))
  const fields: (string | null)[] = []
  let at = 0
  for (;;) {
    if (text[at] === '"') {
      let end = at + 1
      while (text[end] !== '"' || text[end + 1] === '"') end += text[end] === '"' ? 2 : 1
      fields.push(text.slice(at + 1, end).replaceAll('""', '"'))
      at = end + 1
      if (at < text.length && text[at] !== ",") throw invalid(file, line, "expected a comma after a closing quote")
    } else {
      const comma = text.indexOf(",", at)
      const field = text.slice(at, comma === -1 ? text.length : comma)
      if (field.includes('"')) throw invalid(file, line, "expected a quote at the beginning of a field, got one in it")
      fields.push(field === "" ? null : field)
      at += field.length
    }
    if (at >= text.length) return fields
    at++
    if (at === text.length) return [...fields, null]
  }
}

function jsonRow(
  file: string,
  line: number,
  text: string,
  types: ReadonlyMap<string, string>,
): Record<string, SqlValue> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, line, "expected one JSON object per line, got no JSON", cause)
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw invalid(file, line, "expected one JSON object per line, got another value")
  const values: Record<string, SqlValue> = {}
  for (const [name, value] of Object.entries(parsed)) {
    checkColumn(file, line, name, types)
    values[name] = jsonValue({ file, line, name, value, type: types.get(name) ?? "" })
  }
  return values
}

function jsonValue(at: { file: string; line: number; name: string; value: unknown; type: string }): SqlValue {
  const { file, line, name, value, type } = at
  if (typeof value === "string") return type === "BLOB" ? bytesOf(file, line, name, value) : value
  if (typeof value === "boolean") return value ? 1 : 0
  if (value === null || typeof value === "number") return value
  const kind = Array.isArray(value) ? "a list" : "an object"
  throw invalid(file, line, `expected null, a number, a text or a boolean for "${name}", got ${kind}`)
}

function checkColumn(file: string, line: number, name: string, types: ReadonlyMap<string, string>): void {
  if (types.has(name)) return
  throw invalid(file, line, `expected columns of the table (${[...types.keys()].join(", ")}), got "${name}"`)
}

/** Bytes are hexadecimal text, as `lf sql` prints them. */
function bytesOf(file: string, line: number, name: string, text: string): Uint8Array {
  if (/^([0-9a-f]{2})*$/i.test(text)) return new Uint8Array(Buffer.from(text, "hex"))
  throw invalid(file, line, `expected hexadecimal text for the bytes of "${name}"`)
}

function invalid(file: string, line: number, why: string, cause?: unknown): LfError {
  return new LfError("IMPORT_INVALID", `${file}, line ${line}: ${why}`, { cause })
}
