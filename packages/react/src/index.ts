"use client"
// For the app's mutators and components.
export {
  type Compilable,
  type DefinedMutation,
  type DefinedMutation as Mutation,
  defineMutation,
  defineMutator,
  type ErrorCode,
  LfError,
  type Mutator,
  type Progress,
  type Query,
  Reject,
  type RemoteOutcome as Outcome,
  type Sql,
  type SqlArg,
  type SqlValue,
  sql,
  type Tx,
} from "@lf/core"
export { newId } from "./hooks/new-id.ts"
export { LfProvider, type LfProviderProps } from "./hooks/provider.tsx"
export { liveQueryOptions } from "./hooks/query-binding.ts"
export {
  type ConnectionState,
  type Document,
  type RejectedMutation,
  useConnectionStatus,
  useDocument,
  usePendingMutations,
  useRejectedMutations,
  useSyncStatus,
} from "./hooks/use-document.ts"
export { type FieldOptions, type FieldResult, useField } from "./hooks/use-field.ts"
export { type MutateOptions, type MutationOptions, type MutationResult, useMutation } from "./hooks/use-mutation.ts"
export { type QueryOptions, type RowQueryOptions, useQuery, useSuspenseQuery } from "./hooks/use-query.ts"
export type { PendingMutation } from "./rpc/protocol.ts"
export type { Receipt } from "./tab/calls.ts"
export type { ErrorListener } from "./tab/error-reports.ts"
