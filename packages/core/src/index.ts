// What an app uses: mutations, queries, errors. The same in a page, in the worker and at the server.

export { isLfError, LfError } from "./base/error.ts"
export { ERROR_CODES, type ErrorCode } from "./base/error-codes.ts"
export { isDocId, ownDocId } from "./base/ids.ts"
export type { Lsn } from "./base/lsn.ts"
export type { RejectedMutation } from "./local/local-entries.ts"
export type { Receipt } from "./local/receipts.ts"
export {
  type ArgsOf,
  type Query,
  type QueryParameters,
  type QueryRows,
  type RowOf,
  type Sql,
  sql,
  type Tables,
} from "./sqlite/sql.ts"
export type { Row } from "./sqlite/statement.ts"
export type { SqlArg, SqlValue } from "./sqlite/value.ts"
export type { Author, Principal } from "./timeline/author.ts"
export type { Mutation } from "./timeline/mutation.ts"
export { type DefinedMutation, defineMutation, defineMutator, type Mutator } from "./timeline/mutator.ts"
export { type Outcome, Reject } from "./timeline/outcome.ts"
export type { Tx } from "./timeline/tx.ts"
export { undoLog } from "./timeline/undo-log.ts"
