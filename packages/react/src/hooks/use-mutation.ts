"use client"
import type { DefinedMutation, LfError, Receipt } from "@lf/core"
import {
  MutationObserver,
  type MutationObserverOptions,
  notifyManager,
  type QueryClient,
  shouldThrowError,
  type UseMutationResult,
} from "@tanstack/react-query"
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react"
import { type DocumentHandle, useDocumentHandle } from "./document-handle.ts"
import { post, type Rejected } from "./post.ts"
import { ownDocOf } from "./query-binding.ts"
import { useDevWorkerRestart } from "./use-dev-worker-restart.ts"
import { noteReads } from "./use-read-errors.ts"

export interface MutationOptions<Args> {
  /** It goes to the user's own document, which no other user can read, instead of the provider's. */
  readonly own?: boolean
  readonly onSuccess?: (receipt: Receipt, args: Args) => unknown
  readonly onError?: (error: LfError, args: Args) => unknown
  readonly onSettled?: (receipt: Receipt | undefined, error: LfError | null, args: Args) => unknown
  /**
   * The server rejected it, and the view does not have it any more. Called whenever that happens on this page, also
   * after the component was unmounted. Also in `useRejectedMutations`.
   */
  readonly onRejected?: (rejected: Rejected, args: Args) => unknown
  readonly meta?: Record<string, unknown>
}

/** A call's own options. `meta` belongs to the hook, as in TanStack. */
export type MutateOptions<Args> = Omit<MutationOptions<Args>, "meta" | "own">

/** TanStack's variables: the arguments, and the mutation that was already posted to the worker. */
interface Posted<Args> {
  readonly args: Args
  readonly receipt: Promise<Receipt>
}

type Observer<Args> = MutationObserver<Receipt, LfError, Posted<Args>>
type ObserverOptions<Args> = MutationObserverOptions<Receipt, LfError, Posted<Args>>

export type MutationResult<Args> = Omit<
  UseMutationResult<Receipt, LfError, Args>,
  "mutate" | "mutateAsync" | "variables" | "context"
> & {
  readonly variables: Args | undefined
  readonly mutate: (args: Args, options?: MutateOptions<Args>) => void
  /** Resolves when the mutation is durable on this device; the receipt's `remote` when the server decided. */
  readonly mutateAsync: (args: Args, options?: MutateOptions<Args>) => Promise<Receipt>
}

/**
 * A mutation to call. It is posted to the worker before anything else happens, so calls keep their order. `mutate` and
 * `mutateAsync` belong to the document and the user of the render that made them, and keep their identity as long as
 * these are the same. The state is that of the last call, and is reset by another document.
 *
 * @example
 * const add = useMutation(AddTodo)
 * add.mutate({ id: newId(), title })
 */
export function useMutation<Args>(
  mutation: DefinedMutation<Args>,
  options: MutationOptions<Args> = {},
): MutationResult<Args> {
  const handle = useHandle(options.own === true)
  useDevWorkerRestart(handle, mutation)
  const { client } = handle
  const observerOptions = observerOptionsOf({ handle, mutation, options })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the options follow in an effect, as in TanStack's own hook
  const observer = useMemo<Observer<Args>>(
    () => new MutationObserver(client, observerOptions),
    [client, handle, mutation],
  )
  useEffect(() => {
    observer.setOptions(observerOptions)
  })
  const result = useSyncExternalStore(
    useCallback((notify) => observer.subscribe(notifyManager.batchCalls(notify)), [observer]),
    () => observer.getCurrentResult(),
    () => observer.getCurrentResult(),
  )
  const taken = useRef(false)
  const latest = useRef({ handle, options })
  useEffect(() => {
    latest.current = { handle, options }
  })
  const postOne = useCallback(
    (args: Args, one: MutateOptions<Args>, isAsync: boolean): Posted<Args> => {
      const { options: atCall } = latest.current
      // Those of a later render count, as in TanStack, unless that shows another document.
      const current = () => (latest.current.handle === handle ? latest.current.options : atCall)
      const isTaken = () => isAsync || taken.current || isErrorTaken(client, current(), one)
      const listeners = () => [current().onRejected, one.onRejected]
      return { args, receipt: post({ handle, mutation, args, isTaken, listeners }) }
    },
    [client, handle, mutation],
  )
  const mutate = useCallback(
    (args: Args, one: MutateOptions<Args> = {}) => {
      observer.mutate(postOne(args, one, false), unwrapped(one)).catch(() => {}) // it is in the state, and was reported
    },
    [observer, postOne],
  )
  const mutateAsync = useCallback(
    (args: Args, one: MutateOptions<Args> = {}) => observer.mutate(postOne(args, one, true), unwrapped(one)),
    [observer, postOne],
  )
  if (result.error !== null && shouldThrowError(observer.options.throwOnError, [result.error])) throw result.error
  const all = { ...result, variables: result.variables?.args, mutate, mutateAsync } as MutationResult<Args> // TanStack's union, with our variables
  return process.env.NODE_ENV === "development" ? noteReads(all, taken) : all
}

/** @throws AUTH_REQUIRED */
function useHandle(isOwn: boolean): DocumentHandle {
  const handle = useDocumentHandle("useMutation")
  return useMemo(() => (isOwn ? handle.sibling(ownDocOf(handle.user)) : handle), [handle, isOwn])
}

/** Whether the app handles a failure of this call. */
function isErrorTaken<Args>(client: QueryClient, hook: MutationOptions<Args>, one: MutateOptions<Args>): boolean {
  const isGlobal = client.getMutationCache().config.onError ?? client.getDefaultOptions().mutations?.onError
  return hook.onError !== undefined || one.onError !== undefined || isGlobal !== undefined
}

function observerOptionsOf<Args>({
  handle,
  mutation,
  options,
}: {
  handle: DocumentHandle
  mutation: DefinedMutation<Args>
  options: MutationOptions<Args>
}): ObserverOptions<Args> {
  return {
    mutationKey: ["lf", handle.user, handle.doc, mutation.name],
    networkMode: "always",
    retry: false,
    mutationFn: ({ receipt }) => receipt,
    ...unwrapped(options),
    ...(options.meta && { meta: options.meta }),
  }
}

/** The callbacks as TanStack calls them, with the arguments unwrapped. */
function unwrapped<Args>({
  onSuccess,
  onError,
  onSettled,
}: MutateOptions<Args>): Pick<ObserverOptions<Args>, "onSuccess" | "onError" | "onSettled"> {
  return {
    ...(onSuccess && { onSuccess: (receipt, { args }) => onSuccess(receipt, args) }),
    ...(onError && { onError: (error, { args }) => onError(error, args) }),
    ...(onSettled && { onSettled: (receipt, error, { args }) => onSettled(receipt, error, args) }),
  }
}
