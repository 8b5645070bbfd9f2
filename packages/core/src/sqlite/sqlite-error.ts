import { LfError } from "../base/error.ts"
import type { ErrorCode } from "../base/error-codes.ts"

const NOMEM = 7
const INTERRUPT = 9
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const TOOBIG = 18
const AUTH = 23
const NOTADB = 26

/** SQLite's result code and message as ours. */
export function sqliteError(code: number, message: string): LfError {
  return new LfError(codeOf(code & 0xff), message)
}

function codeOf(primary: number): ErrorCode {
  switch (primary) {
    case AUTH:
      return "SQL_DENIED"
    case INTERRUPT:
    case TOOBIG:
    case NOMEM:
      return "SQL_LIMIT"
    // There is no file system below: only max_page_count causes it.
    case FULL:
      return "DOC_TOO_LARGE"
    case IOERR:
    case CORRUPT:
    case NOTADB:
      return "SQL_CORRUPT"
    default:
      return "SQL_ERROR"
  }
}
