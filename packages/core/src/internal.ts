// What the packages of lf use of the engine. Unstable: it may change with every version.
export { concatBytes } from "./base/bytes.ts"
export { hash64, loadChecksum } from "./base/checksum.ts"
export { type Deflater, useDeflater } from "./base/deflate.ts"
export { toLfError } from "./base/error.ts"
export type { Cancel, Host } from "./base/host.ts"
export { checkDocId, clientIdOf, msOfUuid, ownDocRight, sha256Hex, uuidV7 } from "./base/ids.ts"
export { LSN_ZERO, lsn } from "./base/lsn.ts"
export { deferred, Semaphore, withTimeout } from "./base/wait.ts"
export type { Checkpoint, DocumentLog, LogRecord, OpenedLog, StoredLog } from "./journal/log.ts"
export { LogGuard } from "./journal/log-guard.ts"
export { decodeLogHeader, encodeLogHeader, type LogHeader, pagesChecksum } from "./journal/log-header.ts"
export { MemoryDisk, openMemoryLog } from "./journal/memory-log.ts"
export { decodeRecords, encodeGroup } from "./journal/record.ts"
export { Streams } from "./journal/streams.ts"
export { BUG_PAGES_MAX, type BugCopy, copyBug, storeBug } from "./local/bug-copy.ts"
export { JOINED_DOCS_MAX, JoinedView } from "./local/joined-view.ts"
export type { LiveSubscription } from "./local/live-queries.ts"
export { type LiveResult, liveQueryKey, queryKey } from "./local/live-query.ts"
export { Local } from "./local/local.ts"
export type { RejectionChange } from "./local/local-entries.ts"
export { PENDING_MAX } from "./local/local-options.ts"
export { isAwaited, pendingAtRest } from "./local/log-at-rest.ts"
export { type PageOwner, pageOwners } from "./local/page-owners.ts"
export { bytesToPresence, Presences, type PresencesChange, presenceToBytes } from "./local/presences.ts"
export type { LiveQueryState, LocalProbe, QueryProbe, RunCause } from "./local/probe.ts"
export type { LocalReceipt } from "./local/receipts.ts"
export { diffRows, patchRows, type RowPatch } from "./local/row-patch.ts"
export { type ConnectionStatus, Session, type SessionState } from "./local/session.ts"
export type { Progress } from "./network/first-sync.ts"
export {
  decodeSend,
  encodeSend,
  FrameAssembler,
  lengthPrefixed,
  SEND_BODY_BYTES_MAX,
  SEND_BYTES_MAX,
  type Send,
} from "./network/http-frames.ts"
export { MemoryNetwork, memoryPipe } from "./network/memory-network.ts"
export {
  FRAME_BYTES_MAX,
  type Hello,
  PART_BYTES_MAX,
  PROTOCOL_VERSION,
  type SharedPresence,
  TOKEN_BYTES_MAX,
  USER_BYTES_MAX,
} from "./network/message.ts"
export type { Network, Pipe, PipeListener } from "./network/network.ts"
export { DocumentRelay } from "./relay/document-relay.ts"
export { RelayedDocument } from "./relay/relayed-document.ts"
export type { Admission, OpenDocument, Pace } from "./remote/admission.ts"
export { ClientConnection } from "./remote/client-connection.ts"
export { DocumentAtRest, type DocumentSchema } from "./remote/document-at-rest.ts"
export type { DocumentStore, PeerListener, Peers, StoredDocument } from "./remote/document-store.ts"
export type { DurableGroup } from "./remote/mutation-ref.ts"
export type { Effect, OnApplied } from "./remote/on-applied.ts"
export type { RowsAt } from "./remote/reads.ts"
export { Remote } from "./remote/remote.ts"
export type { RemoteOptions } from "./remote/remote-options.ts"
export { type DocumentCopy, pagesAtRest, readCopy, restoreCopy } from "./remote/restore.ts"
export type { Rights } from "./remote/rights.ts"
export { type ImportColumn, type MissingParent, RowImport } from "./remote/row-import.ts"
export type { ServedDocument } from "./remote/served-document.ts"
export { MUTATION_PAGES_MAX } from "./remote/size-watch.ts"
export { SqliteFile } from "./remote/sqlite-file.ts"
export { type Instruction, type ProbedColumn, StatementProbe } from "./remote/statement-probe.ts"
export type { Guard, OnFailed } from "./remote/step-runner.ts"
export { QUERY_MS_MAX } from "./sqlite/database.ts"
export { newInstance } from "./sqlite/instance.ts"
export type { LoadSqlite, SqliteModule } from "./sqlite/module.ts"
export { PAGE_BYTES } from "./sqlite/page.ts"
export { quotedName } from "./sqlite/quoted.ts"
export { type Compilable, compileQuery } from "./sqlite/sql.ts"
export { FILE_PAGES_MAX } from "./sqlite/vfs.ts"
export { asPrincipal } from "./timeline/author.ts"
export type { MutationOutcome, Rejected, RunResult } from "./timeline/outcome.ts"
export { type Difference, Rehearsals } from "./timeline/rehearsal.ts"
export { UndoMutation } from "./timeline/undo-mutation.ts"
