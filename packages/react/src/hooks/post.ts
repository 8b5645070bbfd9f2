import type { Receipt } from "@lf/core"
import { type DefinedMutation, LfError, type Outcome } from "@lf/core"
import { noteReceipt } from "./commits.ts"
import type { DocumentHandle } from "./document-handle.ts"

export type Rejected = Extract<Outcome, { type: "rejected" }>

type RejectedListener<Args> = (rejected: Rejected, args: Args) => unknown

/** Posts a mutation at once. Reports its failure, and calls the rejection listeners. */
export function post<Args>(call: {
  readonly handle: DocumentHandle
  readonly mutation: DefinedMutation<Args>
  readonly args: Args
  /** Whether the app handles a failure on this device. */
  readonly isTaken: () => boolean
  /** Called when the server has rejected the mutation. */
  readonly listeners: () => readonly (RejectedListener<Args> | undefined)[]
}): Promise<Receipt> {
  const { handle, mutation, args, isTaken, listeners } = call
  const what = { mutation: mutation.name }
  const receipt = handle.live.mutate(mutation, args)
  measure({ doc: handle.doc, mutation: mutation.name }, receipt)
  const isOfField = noteReceipt(receipt)
  let isRemoteRead = false
  const shown = receipt.then(({ uid, remote }) => ({
    uid,
    get remote() {
      isRemoteRead = true
      return remote
    },
  }))
  receipt.then(
    async ({ remote }) => {
      const outcome = await remote
      if (outcome.type !== "rejected") return
      const notified = listeners().filter((listener) => listener !== undefined)
      const error = new LfError("MUTATION_REJECTED", `${mutation.name}: the server decided ${outcome.code}`, {
        cause: outcome,
      })
      const isShown = handle.live.errors.isRejectionRead
      handle.report(error, what, isOfField || notified.length > 0 || isRemoteRead || isShown)
      for (const listener of notified) guarded(() => listener(outcome, args))
    },
    (error: LfError) => handle.report(error, what, isOfField || isTaken()),
  )
  return shown
}

/**
 * Entries of the browser's User Timing, for its performance panel and for what observes them: `lf.durable` from the call
 * until the mutation survives a crash here, `lf.decided` until the server's answer. They are cleared at once, so none pile up.
 */
function measure(what: { readonly doc: string; readonly mutation: string }, receipt: Promise<Receipt>): void {
  if (typeof performance === "undefined" || performance.measure === undefined) return
  const start = performance.now()
  const entry = (name: string, detail: object) => {
    performance.measure(name, { start, end: performance.now(), detail: { ...what, ...detail } })
    performance.clearMeasures(name)
  }
  receipt.then(
    async ({ uid, remote }) => {
      entry("lf.durable", { uid })
      const outcome = await remote
      entry("lf.decided", { uid, outcome: outcome.type === "rejected" ? outcome.code : outcome.type })
    },
    () => {}, // it is reported by its caller
  )
}

/** A listener that throws must not keep the others from being called. */
function guarded(call: () => unknown): void {
  try {
    call()
  } catch (thrown) {
    reportError(thrown)
  }
}
