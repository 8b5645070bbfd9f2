/** Every code an `LfError` or a refusal can carry, with one plain sentence. docs/errors.md is held to this list by a test. */
export const ERROR_CODES = {
  // bytes, journal, log
  BYTES_MALFORMED: "Bytes that were to be decoded end early or hold a value that is not allowed.",
  LOG_CORRUPT:
    "Damage was found before the last durable record; the document stops so that nothing acknowledged is lost silently.",
  LOG_FAILED: "The disk or database under the log refused a write; the document must be reopened.",
  LOG_FULL:
    "The disk or the browser's quota is full; new mutations are refused and nothing that was acknowledged is lost.",
  LOG_OWNED: "Another process or worker owns this document's log.",
  LOG_DEPOSED: "This owner was replaced by another; its append was refused.",
  LOG_CLOSED: "The log was closed.",
  LOG_FORMAT_NEWER: "The stored format is newer than this code; load the newer version of the app.",
  // sqlite
  SQL_BAD_PARAMETER:
    "A value came that SQL cannot bind: it takes null, number (not NaN), bigint, string, boolean and Uint8Array.",
  SQL_ERROR: "SQLite refused the statement; the message is SQLite's.",
  SQL_DENIED: "The statement does something that this place may not do, like DDL in a mutation or a write in a query.",
  SQL_MULTIPLE: "One call had more than one statement.",
  SQL_LIMIT: "A statement or mutation ran past its limit of time, statements or pages.",
  SQL_CRASHED: "The statement needs more of the stack than there is; what it did was undone.",
  SQL_CORRUPT: "The database's pages are damaged.",
  // document
  DOC_ID_INVALID: "The document id is not 1 to 64 characters of A-Z, a-z, 0-9, _ and -.",
  DOC_STOPPED: "The document stopped after a failure of its storage; reopen it.",
  DOC_TOO_LARGE: "The document reached its limit of pages.",
  MIGRATION_EDITED: "A migration that already ran was edited; add a new one instead.",
  MIGRATION_FAILED: "A migration failed; the document stops until the code is fixed.",
  SCHEMA_NEWER: "The document's schema is newer than this code; load the newer version of the app.",
  // mutations
  MUTATION_UNKNOWN: "No mutation with that name is defined.",
  MUTATION_ARGS_INVALID: "The arguments do not fit the mutation's schema.",
  MUTATION_TOO_LARGE: "The mutation's arguments are larger than the 256 KiB that a mutation may have.",
  MUTATION_THREW: "The mutator threw an error that was not a Reject.",
  MUTATION_REJECTED: "The mutator refused on this device already; `cause` carries its code and data. Nothing was kept.",
  MUTATION_ASYNC: "A mutator returned a promise instead of ending at once.",
  MUTATION_SCHEMA_ASYNC: "The arguments' schema answered a promise instead of a result.",
  MUTATION_QUARANTINED: "The mutation stopped the server several times and is no longer tried.",
  MUTATION_FORBIDDEN: "The server's authorize() refused the mutation.",
  PENDING_LIMIT: "Too many mutations are waiting for the server.",
  PENDING_REFUSED: 'There are changes that the server does not have yet; pass { pending: "discard" } to drop them.',
  // network
  FRAME_MALFORMED: "A frame came that is not part of the protocol, or not expected at this moment.",
  FRAME_TOO_LARGE: "A frame came with more than 1 MiB.",
  PROTOCOL_NEWER: "The other side speaks a newer protocol; load the newer version of the app.",
  AUTH_REQUIRED: "The server's authenticate() refused, or answered another user than the page's.",
  USER_ID_INVALID: "The server's authenticate() answered an id that is no text of 1 to 4096 bytes.",
  TOKEN_TOO_LARGE: "auth() gave a token of more than 16 KiB.",
  FORBIDDEN: "The server's authorize() refused, or there is no such document.",
  ORIGIN_REFUSED: "The request's Origin is not on the allow-list.",
  CLIENT_PROOF: "The client id does not belong to the secret that was shown, or is bound to another user.",
  CHECKSUM_MISMATCH: "The pages received do not add up to the server's checksum; the base is fetched again.",
  RATE_LIMITED: "A limit of frames, connections or documents was reached.",
  SERVER_CLOSING: "The server is shutting down; clients connect again by themselves.",
  SERVER_UNREACHABLE: "No answer came from the server's address: there is no network, no server, or another address.",
  SERVER_OLDER: "The server runs older code than this page, which waits for its deploy.",
  ROUTE_MISSING: "The address answers, but not as the route of lf.",
  ROUTE_FAILED: "The route of lf answered with an error of its own.",
  UPGRADE_BLOCKED: "The route of lf answers plain requests, but no WebSocket opens on it.",
  AUTHORIZE_FAILED: "The server's authorize() threw or gave no answer in time, so nothing was allowed.",
  // browser and react
  UNSUPPORTED: "This browser lacks something that lf needs; the message says what.",
  WORKER_FAILED: "The worker could not be loaded or stopped answering.",
  WORKER_REPLACED: "A newer version of the app took over; reload this tab.",
  PROVIDER_MISSING: "A hook was called outside of <LfProvider>.",
  // testing
  TEST_OPTION_INVALID: "The test's server was called with something that it cannot take; the message says what.",
  TEST_NOT_SETTLED: "The test's server and its devices had not settled in time; the message says what is left.",
  // next
  CONFIG_UNSUPPORTED: "The app's next.config has something that lf cannot work with; the message says what.",
  SERVER_DIRECTORY_OWNED: "Another server process uses this data directory.",
  AUTHENTICATE_MISSING: "createLf was called in production without authenticate().",
  AUTHORIZE_MISSING: "createLf was called in production without authorize().",
  DOC_NOT_FOUND: "There is no such document.",
  DOC_DELETED: "The document was deleted at the server.",
  LSN_NOT_REACHED: "The document did not come to the position in time.",
  BUILD_TIME_READ: "A document was read while the app is built.",
  BACKUP_EXISTS: "There is a file of that name already.",
  BACKUP_INVALID: "The file is not a sound database of a document; nothing was restored.",
  IMPORT_INVALID: "The rows cannot be imported; the message says which and why, and nothing was kept.",
  WEBSOCKET_REQUIRED: "A plain HTTP request came to a path that speaks WebSocket.",
} as const

export type ErrorCode = keyof typeof ERROR_CODES
