"use client"
// For the app's mutators and components.
export {
  type DefinedMutation,
  defineMutation,
  defineMutator,
  type ErrorCode,
  LfError,
  type Mutator,
  type Outcome,
  ownDocId,
  type Query,
  type Receipt,
  Reject,
  type RejectedMutation,
  type Sql,
  type SqlArg,
  type SqlValue,
  sql,
  type Tx,
  undoLog,
} from "@lf/core"
export type { Compilable, Progress } from "@lf/core/internal"
export { newId } from "./hooks/new-id.ts"
export { LfProvider, type LfProviderProps } from "./hooks/provider.tsx"
export { liveQueryOptions } from "./hooks/query-binding.ts"
export {
  type ConnectionState,
  type DismissibleRejection,
  type Document,
  useConnectionStatus,
  useDocument,
  usePendingMutations,
  useRejectedMutations,
  useSyncStatus,
  useTraffic,
} from "./hooks/use-document.ts"
export { type FieldOptions, type FieldResult, useField } from "./hooks/use-field.ts"
export { type Documents, type SignOutOptions, useLf } from "./hooks/use-lf.ts"
export { type MutateOptions, type MutationOptions, type MutationResult, useMutation } from "./hooks/use-mutation.ts"
export { type PersistenceResult, usePersistence } from "./hooks/use-persistence.ts"
export { type PresenceOf, type PresenceResult, usePresence } from "./hooks/use-presence.ts"
export { type QueryOptions, type RowQueryOptions, useQuery, useSuspenseQuery } from "./hooks/use-query.ts"
export { useQueryRuns } from "./hooks/use-query-runs.ts"
export { useShownTiming } from "./hooks/use-shown-timing.ts"
export { type UndoResult, useUndo } from "./hooks/use-undo.ts"
export type { DocumentOnDevice, PendingMutation, Traffic } from "./rpc/protocol.ts"
export type { ChangedSource, QueryRuns, RunReason } from "./rpc/query-runs.ts"
export type { ErrorListener } from "./tab/error-reports.ts"
