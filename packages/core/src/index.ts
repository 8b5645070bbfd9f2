export { concatBytes } from "./base/bytes.ts"
export { loadChecksum } from "./base/checksum.ts"
export { isLfError, LfError, toLfError } from "./base/error.ts"
export { ERROR_CODES, type ErrorCode } from "./base/error-codes.ts"
export type { Cancel, Host } from "./base/host.ts"
export { checkDocId, clientIdOf, isDocId, sha256Hex, uuidV7 } from "./base/ids.ts"
export { LSN_ZERO, type Lsn, lsn } from "./base/lsn.ts"
export type { Checkpoint, DocumentLog, LogRecord, OpenedLog } from "./journal/log.ts"
// For the adapters that keep a log: its bytes are core's business on every disk.
export {
  decodeLogHeader,
  decodeLogHeader,
  encodeLogHeader,
  encodeLogHeader,
  type LogHeader,
  type LogHeader,
  pagesChecksum,
  pagesChecksum,
} from "./journal/log-header.ts"
export { MemoryDisk, openMemoryLog } from "./journal/memory-log.ts"
export { decodeRecords, decodeRecords, encodeGroup, encodeGroup } from "./journal/record.ts"
export { Streams, Streams } from "./journal/streams.ts"
export type { LiveResult } from "./local/live-query.ts"
export { liveQueryKey, queryKey } from "./local/live-query.ts"
export { Local, PENDING_MAX } from "./local/local.ts"
export type { Rejection } from "./local/local-store.ts"
export type { Receipt, RemoteOutcome } from "./local/receipts.ts"
export { patchRows, type RowPatch } from "./local/row-patch.ts"
export { type ConnectionStatus, Session, type SessionState } from "./local/session.ts"
export type { Progress } from "./network/link.ts"
export { MemoryNetwork, memoryPipe } from "./network/memory-network.ts"
export { FRAME_BYTES_MAX, type Hello, PROTOCOL_VERSION } from "./network/message.ts"
export type { Network, Pipe, PipeListener } from "./network/network.ts"
export { receive } from "./remote/reception.ts"
export { Remote, type RemoteOptions } from "./remote/remote.ts"
export type { Guard } from "./remote/step-runner.ts"
export type { LoadSqlite, SqliteModule } from "./sqlite/module.ts"
export { PAGE_BYTES } from "./sqlite/page.ts"
export { type Compilable, compileQuery, type Query, type Sql, sql } from "./sqlite/sql.ts"
export type { Row } from "./sqlite/statement.ts"
export type { SqlArg, SqlValue } from "./sqlite/value.ts"
export type { Mutation } from "./timeline/mutation.ts"
export { type DefinedMutation, defineMutation, defineMutator, type Mutator } from "./timeline/mutator.ts"
export { type Outcome, Reject } from "./timeline/outcome.ts"
export type { Tx } from "./timeline/tx.ts"
