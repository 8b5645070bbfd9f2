"use client"
import { LfError } from "@lf/core"
import { checkDocId } from "@lf/core/internal"
import { useMemo } from "react"
import type { DocumentOnDevice } from "../rpc/protocol.ts"
import { type DocumentHandle, useDocumentHandle } from "./document-handle.ts"
import { type Document, documentOf } from "./use-document.ts"

/** How a user leaves this device. */
export type SignOutOptions = (
  | {
      /** Deletes all of the user's documents on this device. */
      readonly wipe: true
      /** What becomes of changes that the server does not have: they refuse the sign-out, or are lost. */
      readonly pending: "refuse" | "discard"
    }
  /** Everything stays for the user's next visit, pending changes too. They can be read in this browser's profile. */
  | { readonly wipe: false }
) & {
  /**
   * Ends the session at your sign-in service. Called when nothing refuses any more, and before anything is deleted: where it
   * throws, nothing has happened.
   */
  readonly end?: () => unknown
}

export interface Documents {
  /**
   * A document besides the one of the surrounding provider, of the same user: to make one and fill it, offline too, to copy
   * from one to another, or to prefetch what a link leads to. It is open as long as something of it is asked or shown.
   * @throws DOC_ID_INVALID
   */
  document(id: string): Document
  /** All of the user's documents on this device, and how many changes of each have not reached the server. */
  documents(): Promise<readonly DocumentOnDevice[]>
  /**
   * The user leaves this device. What is pending in any document is sent first, for 5 s at the most. Then every tab of the
   * user, this one too, is served no more: its status is `needs-auth` with the error SIGNED_OUT.
   * @throws PENDING_REFUSED AUTH_REQUIRED LOG_OWNED LOG_FAILED, and what `end` throws. With PENDING_REFUSED after `end`, which
   * is for what was written meanwhile, the documents with those changes stay on the device
   */
  signOut(options: SignOutOptions): Promise<void>
}

/**
 * The documents of the surrounding provider's user. The object and its functions keep their identity.
 *
 * @example const lf = useLf()
 * await lf.document(newId()).mutate(AddTodo, { id: newId(), title: "first" })
 */
export function useLf(): Documents {
  const handle = useDocumentHandle("useLf")
  return useMemo(
    () => ({
      document: (id: string) => documentOf(handle.sibling(checkDocId(id))),
      documents: () => handle.live.requests.documents(),
      signOut: (options: SignOutOptions) => signOut(handle, options),
    }),
    [handle],
  )
}

async function signOut({ user, live, client }: DocumentHandle, options: SignOutOptions): Promise<void> {
  if (user === null) throw new LfError("AUTH_REQUIRED", "expected a user to sign out; the provider's `user` is null")
  const pending = options.wipe ? options.pending : null
  if (pending === "refuse") await live.requests.sendAll()
  await options.end?.()
  await live.requests.signOut(pending)
  // Rows that nothing shows would stay in this page for a while.
  client.removeQueries({ queryKey: ["lf", user], type: "inactive" })
}
