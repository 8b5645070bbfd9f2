"use client"
import type { DefinedMutation, LfError, RemoteOutcome } from "@lf/core"
import {
  type MutateOptions,
  type MutationFunctionContext,
  type UseMutationOptions,
  type UseMutationResult,
  useMutation as useTanstackMutation,
} from "@tanstack/react-query"
import { useCallback, useEffect, useRef } from "react"
import type { Receipt } from "../tab/calls.ts"
import { useTabDocument } from "./provider.tsx"
import { useFreshWorker } from "./use-fresh-worker.ts"

export type Rejected = Extract<RemoteOutcome, { type: "rejected" }>

export interface MutationOptions<Args> {
  readonly onSuccess?: (receipt: Receipt, args: Args) => unknown
  readonly onError?: (error: LfError, args: Args) => unknown
  readonly onSettled?: (receipt: Receipt | undefined, error: LfError | null, args: Args) => unknown
  /** The server decided against it; it is gone from the view. Also in `useRejectedMutations`. */
  readonly onRejected?: (rejected: Rejected, args: Args) => unknown
  readonly meta?: Record<string, unknown>
}

/** What is handed to TanStack: the arguments, and the mutation that was already posted to the worker. */
interface Posted<Args> {
  readonly args: Args
  readonly receipt: Promise<Receipt>
}

export type MutationResult<Args> = Omit<
  UseMutationResult<Receipt, LfError, Args>,
  "mutate" | "mutateAsync" | "variables" | "context"
> & {
  readonly variables: Args | undefined
  readonly mutate: (args: Args, options?: MutationOptions<Args>) => void
  /** Resolves when the mutation is durable on this device; the receipt's `remote` when the server decided. */
  readonly mutateAsync: (args: Args, options?: MutationOptions<Args>) => Promise<Receipt>
}

/**
 * A mutation to call. It is posted to the worker before anything else happens, so calls keep their order; `mutate` and
 * `mutateAsync` keep their identity.
 *
 * @example
 * const add = useMutation(AddTodo)
 * add.mutate({ id: newId(), title })
 */
export function useMutation<Args>(
  mutation: DefinedMutation<Args>,
  options: MutationOptions<Args> = {},
): MutationResult<Args> {
  const document = useTabDocument()
  useFreshWorker(document, mutation)
  const latest = useRef({ document, mutation, onRejected: options.onRejected })
  useEffect(() => {
    latest.current = { document, mutation, onRejected: options.onRejected }
  })
  const tanstack = useTanstackMutation<Receipt, LfError, Posted<Args>>({
    mutationKey: ["lf", mutation.name],
    networkMode: "always",
    retry: false,
    mutationFn: ({ receipt }) => receipt,
    ...unwrapped(options),
  } as UseMutationOptions<Receipt, LfError, Posted<Args>>)

  const post = useCallback((args: Args): Posted<Args> => {
    const { document, mutation } = latest.current
    const receipt = document.mutate(mutation, args)
    receipt.then(
      async ({ remote }) => {
        const outcome = await remote
        if (outcome.type === "rejected") latest.current.onRejected?.(outcome, args)
      },
      () => {}, // TanStack tells the error
    )
    return { args, receipt }
  }, [])
  const { mutate: run, mutateAsync: runAsync } = tanstack
  const mutate = useCallback(
    (args: Args, one?: MutationOptions<Args>) => run(post(args), one && unwrapped(one)),
    [run, post],
  )
  const mutateAsync = useCallback(
    (args: Args, one?: MutationOptions<Args>) => runAsync(post(args), one && unwrapped(one)),
    [runAsync, post],
  )
  return { ...tanstack, variables: tanstack.variables?.args, mutate, mutateAsync } as MutationResult<Args> // TanStack's union, with our variables
}

/** The callbacks as TanStack calls them, with the wrapper taken off the arguments. */
function unwrapped<Args>({
  onSuccess,
  onError,
  onSettled,
  meta,
}: MutationOptions<Args>): MutateOptions<Receipt, LfError, Posted<Args>> & { meta?: Record<string, unknown> } {
  type Context = MutationFunctionContext
  return {
    ...(onSuccess && {
      onSuccess: (receipt: Receipt, { args }: Posted<Args>, _result: unknown, _context: Context) =>
        onSuccess(receipt, args),
    }),
    ...(onError && { onError: (error: LfError, { args }: Posted<Args>) => onError(error, args) }),
    ...(onSettled && {
      onSettled: (receipt: Receipt | undefined, error: LfError | null, { args }: Posted<Args>) =>
        onSettled(receipt, error, args),
    }),
    ...(meta && { meta }),
  } as MutateOptions<Receipt, LfError, Posted<Args>> // callbacks may return anything; TanStack awaits it
}
