// What the fragments of the documentation may use without an import: lf itself, and a small app of todos.
import type * as Core from "@lf/core"
import type * as Next from "@lf/next"
import type * as NextConfig from "@lf/next/config"
import type * as Lf from "@lf/react"
import type * as Devtools from "@lf/react/devtools"
import type * as Testing from "@lf/react/testing"
import type * as Query from "@tanstack/react-query"
import type * as React from "react"
import type * as Zod from "zod"

declare global {
  const defineMutation: typeof Core.defineMutation
  const defineMutator: typeof Core.defineMutator
  const Reject: typeof Core.Reject
  const isLfError: typeof Core.isLfError
  const sql: typeof Core.sql
  const undoLog: typeof Core.undoLog
  const ownDocId: typeof Core.ownDocId
  const LfProvider: typeof Lf.LfProvider
  const newId: typeof Lf.newId
  const liveQueryOptions: typeof Lf.liveQueryOptions
  const useConnectionStatus: typeof Lf.useConnectionStatus
  const useDocument: typeof Lf.useDocument
  const useField: typeof Lf.useField
  const useLf: typeof Lf.useLf
  const useMutation: typeof Lf.useMutation
  const usePendingMutations: typeof Lf.usePendingMutations
  const usePersistence: typeof Lf.usePersistence
  const usePresence: typeof Lf.usePresence
  const useQuery: typeof Lf.useQuery
  const useQueryRuns: typeof Lf.useQueryRuns
  const useRejectedMutations: typeof Lf.useRejectedMutations
  const useSuspenseQuery: typeof Lf.useSuspenseQuery
  const useSyncStatus: typeof Lf.useSyncStatus
  const useTraffic: typeof Lf.useTraffic
  const useUndo: typeof Lf.useUndo
  const createLf: typeof Next.createLf
  const withLf: typeof NextConfig.withLf
  type LfError = Core.LfError
  const LfDevtools: typeof Devtools.LfDevtools
  const replayBug: typeof Testing.replayBug
  const testServer: typeof Testing.testServer
  const memoryWorker: typeof Testing.memoryWorker
  const HydrationBoundary: typeof Query.HydrationBoundary
  type DehydratedState = Next.DehydratedState
  const Suspense: typeof React.Suspense
  const useState: typeof React.useState
  const useRef: typeof React.useRef
  const useCallback: typeof React.useCallback
  const useEffect: typeof React.useEffect
  const useDeferredValue: typeof React.useDeferredValue
  const z: typeof Zod.z

  // A test of the app.
  function App(): React.ReactNode
  function render(element: React.ReactNode): void

  // The app.
  interface Todo {
    id: string
    title: string
    list: string
    done: number
    color: string
    hours: number
    notes: string
    place: string
  }
  const mutator: Core.Mutator
  const AddTodo: Core.DefinedMutation<{ id: string; title: string }>
  const RenameTodo: Core.DefinedMutation<{ id: string; title: string }>
  const ToggleTodo: Core.DefinedMutation<{ id: string; done: boolean }>
  const lf: Next.Lf<{ id: string; name?: string }>
  function connectWorker(): SharedWorker
  const todo: Todo
  const id: string
  const doc: string
  const title: string
  const name: string
  const allTodos: Core.Sql<Todo>
}
