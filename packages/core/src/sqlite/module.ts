/**
 * One instance of the synchronous wa-sqlite build: its memory, its C exports and its relay of callbacks. Each document
 * gets an instance of its own, so two documents can never see each other's callbacks (T27).
 */
export interface SqliteModule {
  readonly HEAPU8: Uint8Array
  _malloc?(bytes: number): number
  _sqlite3_malloc(bytes: number): number
  _sqlite3_free(pointer: number): void
  _getTempRet0(): number
  _sqlite3_open_v2(name: number, out: number, flags: number, vfs: number): number
  _sqlite3_close_v2(db: number): number
  _sqlite3_prepare_v3(db: number, text: number, bytes: number, flags: number, out: number, tail: number): number
  _sqlite3_step(stmt: number): number
  _sqlite3_reset(stmt: number): number
  _sqlite3_finalize(stmt: number): number
  _sqlite3_clear_bindings(stmt: number): number
  _sqlite3_bind_parameter_count(stmt: number): number
  _sqlite3_bind_null(stmt: number, i: number): number
  _sqlite3_bind_int(stmt: number, i: number, value: number): number
  _sqlite3_bind_int64(stmt: number, i: number, low: number, high: number): number
  _sqlite3_bind_double(stmt: number, i: number, value: number): number
  _sqlite3_bind_text(stmt: number, i: number, pointer: number, bytes: number, destructor: number): number
  _sqlite3_bind_blob(stmt: number, i: number, pointer: number, bytes: number, destructor: number): number
  _sqlite3_column_count(stmt: number): number
  _sqlite3_column_name(stmt: number, i: number): number
  _sqlite3_column_type(stmt: number, i: number): number
  _sqlite3_column_double(stmt: number, i: number): number
  _sqlite3_column_int64(stmt: number, i: number): number
  _sqlite3_column_text(stmt: number, i: number): number
  _sqlite3_column_blob(stmt: number, i: number): number
  _sqlite3_column_bytes(stmt: number, i: number): number
  _sqlite3_stmt_readonly(stmt: number): number
  _sqlite3_changes(db: number): number
  _sqlite3_errmsg(db: number): number
  _sqlite3_extended_errcode(db: number): number
  _sqlite3_get_autocommit(db: number): number
  _sqlite3_file_control(db: number, schema: number, op: number, argument: number): number
  _sqlite3_db_status(db: number, op: number, current: number, highest: number, reset: number): number
  _sqlite3_db_config(db: number, op: number, variadic: number): number
  _sqlite3_test_control(op: number, variadic: number): number
  _sqlite3_limit(db: number, id: number, value: number): number
  set_authorizer(db: number, authorizer: (...args: number[]) => number, app: number): number
  progress_handler(db: number, operations: number, handler: () => number, app: number): void
  vfs_register(vfs: object, makeDefault: boolean): number
  /** What the relay calls for a key: an object by method name, or one function for all. */
  setCallback(key: number, target: unknown): void
  /** Calls `dispatch` for a file system's key, without the relay. Absent in an instance that `newInstance` did not make. */
  dispatchVfs?(key: number, dispatch: VfsDispatch): void
}

/** Calls the file system's method whose name lies at `name`, with up to five arguments. */
export type VfsDispatch = (name: number, a: number, b: number, c: number, d: number, e: number) => number

/** The port that loads wasm: a new instance at each call. Node reads a file, a browser fetches. */
export type LoadSqlite = () => Promise<SqliteModule>
