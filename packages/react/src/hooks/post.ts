import type { Receipt } from "@lf/core"
import { type DefinedMutation, LfError, type Outcome } from "@lf/core"
import { noteReceipt } from "./commits.ts"
import type { DocumentHandle } from "./document-handle.ts"

export type Rejected = Extract<Outcome, { type: "rejected" }>

type RejectedListener<Args> = (rejected: Rejected, args: Args) => unknown

/** Posts a mutation at once. Its end is reported, and rejections reach their listeners. */
export function post<Args>(call: {
  readonly handle: DocumentHandle
  readonly mutation: DefinedMutation<Args>
  readonly args: Args
  /** Whether the app hears of a failure on this device. */
  readonly isTaken: () => boolean
  /** Asked when the server has rejected it. */
  readonly listeners: () => readonly (RejectedListener<Args> | undefined)[]
}): Promise<Receipt> {
  const { handle, mutation, args, isTaken, listeners } = call
  const what = { mutation: mutation.name }
  const receipt = handle.live.mutate(mutation, args)
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
      const heard = listeners().filter((listener) => listener !== undefined)
      const error = new LfError("MUTATION_REJECTED", `${mutation.name}: the server decided ${outcome.code}`, {
        cause: outcome,
      })
      const isShown = handle.live.errors.isRejectionRead
      handle.report(error, what, isOfField || heard.length > 0 || isRemoteRead || isShown)
      for (const listener of heard) guarded(() => listener(outcome, args))
    },
    (error: LfError) => handle.report(error, what, isOfField || isTaken()),
  )
  return shown
}

/** An app's listener that throws must not keep the others from hearing. */
function guarded(tell: () => unknown): void {
  try {
    tell()
  } catch (thrown) {
    reportError(thrown)
  }
}
