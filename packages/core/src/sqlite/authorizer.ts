/**
 * What a statement may do, by the place that it comes from. The authorizer is installed once per connection (installing
 * it again expires every prepared statement) and reads the mode; statements are cached per mode.
 *
 * - `query`: reads. - `mutation`: reads and writes rows of the app's tables. - `migration`: also changes the schema.
 * - `internal`: our own statements, everything.
 */
export type SqlMode = "query" | "mutation" | "migration" | "internal"

const OK = 0
const DENY = 1

const ACTION = {
  delete: 9,
  insert: 18,
  pragma: 19,
  read: 20,
  select: 21,
  transaction: 22,
  update: 23,
  attach: 24,
  detach: 25,
  alterTable: 26,
  reindex: 27,
  analyze: 28,
  createVtable: 29,
  dropVtable: 30,
  function: 31,
  savepoint: 32,
  recursive: 33,
} as const

/** Objects of the app's schema: 1 to 17 are SQLite's CREATE and DROP codes, temporary ones left out below. */
const TEMPORARY = new Set([3, 4, 5, 6, 12, 13, 14, 15])
const SCHEMA_CHANGES = new Set<number>([
  ...[1, 2, 7, 8, 10, 11, 16, 17],
  ACTION.alterTable,
  ACTION.reindex,
  ACTION.createVtable,
  ACTION.dropVtable,
])
const ROW_WRITES = new Set<number>([ACTION.insert, ACTION.update, ACTION.delete])
const FUNCTIONS_DENIED = new Set(["load_extension", "fts3_tokenizer"])

const INTERNAL_PREFIX = "__lf_"
/** The temporary table in which our own triggers note rows. */
export const ROW_LOG = "__lf_row_log"

/**
 * SQLite's answer for one action: 0 to allow, 1 to deny. `first` and `second` are what SQLite says the action is on,
 * `trigger` the trigger or view that does it.
 */
export function authorize(
  mode: SqlMode,
  action: number,
  { first, second, trigger }: { readonly first: string; readonly second: string; readonly trigger: string },
): 0 | 1 {
  if (mode === "internal" || (first === ROW_LOG && trigger.startsWith(ROW_LOG))) return OK
  if (action === ACTION.function) return FUNCTIONS_DENIED.has(second.toLowerCase()) ? DENY : OK
  if (action === ACTION.select || action === ACTION.recursive) return OK
  // Of all tables, ours included: statistics say nothing of rows.
  if (action === ACTION.analyze) return mode === "migration" ? OK : DENY
  if (action === ACTION.pragma) return mayRunPragma(mode, first.toLowerCase(), second) ? OK : DENY
  if (isInternal(first) || (SCHEMA_CHANGES.has(action) && isInternal(second))) return DENY
  if (action === ACTION.read) return OK
  if (mode === "query" || TEMPORARY.has(action)) return DENY
  if (mode === "migration") return ROW_WRITES.has(action) || SCHEMA_CHANGES.has(action) ? OK : DENY
  return ROW_WRITES.has(action) && !isSchemaTable(first) ? OK : DENY
}

/** Only what SQLite asks of itself: FTS5 for data_version, ALTER TABLE on a STRICT table for quick_check. */
function mayRunPragma(mode: SqlMode, name: string, argument: string): boolean {
  if (name === "data_version") return argument === ""
  return name === "quick_check" && mode === "migration"
}

function isInternal(name: string): boolean {
  return name.toLowerCase().startsWith(INTERNAL_PREFIX)
}

function isSchemaTable(name: string): boolean {
  const lower = name.toLowerCase()
  return lower === "sqlite_master" || lower === "sqlite_schema" || lower === "sqlite_temp_master"
}
