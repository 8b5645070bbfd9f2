import { LfError, type Mutator } from "@lf/core"
import { openMemoryLog, pendingAtRest, Semaphore, withTimeout } from "@lf/core/internal"
import type { Platform } from "../platform/port.ts"
import type { DocumentOnDevice } from "../rpc/protocol.ts"
import { claimKey, docsOf, ownerLock, storageKey } from "../rpc/storage-key.ts"
import { OWNED_MS_MAX, ownedElsewhere } from "./opening-limits.ts"
import type { Served, ServedDocuments } from "./served-documents.ts"
import { type DocumentsOfUser, signedOut, type TabPort } from "./tab-port.ts"

/** Closed documents that are read or deleted at a time. */
const AT_ONCE = 8
/** What is on its way to the server is given so long before a sign-out is refused. */
export const SEND_ALL_MS_MAX = 5_000
/** A refusal names so many documents. */
const NAMED_MAX = 3

export interface UserDocumentsOptions {
  readonly mutator: Mutator
  readonly platform: Platform
  readonly served: ServedDocuments
}

/** All documents that this device keeps, by their users. */
export class UserDocuments {
  readonly #mutator: Mutator
  readonly #platform: Platform
  readonly #served: ServedDocuments
  readonly #closed = new Semaphore(AT_ONCE)

  constructor({ mutator, platform, served }: UserDocumentsOptions) {
    this.#mutator = mutator
    this.#platform = platform
    this.#served = served
  }

  /** As the tabs of a document ask for them. */
  of(by: Served): DocumentsOfUser {
    return {
      list: () => this.#list(by.user),
      sendAll: () => this.#sendAll(by),
      signOut: (pending, tab) => this.#signOut(by.user, pending, tab),
    }
  }

  async #list(user: string | null): Promise<DocumentOnDevice[]> {
    const open = this.#servedOf(user).map(({ doc }) => doc)
    const ids = new Set([...docsOf(user, await this.#platform.storedKeys()), ...open])
    return await Promise.all(Array.from(ids, async (id) => ({ id, pending: await this.#pendingOf(user, id) })))
  }

  async #sendAll(by: Served): Promise<void> {
    const waiting = (await this.#list(by.user)).filter(({ pending }) => pending > 0)
    refuse(await Promise.all(waiting.map((one) => this.#send(by, one))))
  }

  /** Resolves to what is left when it is sent, cannot be now, or takes too long. */
  #send(by: Served, { id, pending }: DocumentOnDevice): Promise<DocumentOnDevice> {
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        const { isOpen, pendingCount } = hold.document.state
        hold.release()
        resolve({ id, pending: isOpen ? pendingCount : pending })
      }
      const look = () => {
        const { isOpen, pendingCount, status } = hold.document.state
        const mayBeSent = status === "connecting" || status === "connected"
        if (!mayBeSent || (isOpen && pendingCount === 0)) end()
      }
      const cancel = this.#platform.host.after(SEND_ALL_MS_MAX, end)
      const hold = this.#served.hold(by, id, { onState: look, onGone: end })
      // A retry at once: its pause may be longer than there is time.
      hold.document.poke()
      look()
    })
  }

  async #signOut(user: string | null, pending: "refuse" | "discard" | null, by: TabPort): Promise<void> {
    const open = this.#servedOf(user)
    const tabs = open.flatMap((served) => [...served.tabs])
    await this.#served.closeAll(open)
    for (const tab of tabs) if (tab !== by) tab.end(signedOut())
    if (pending === null) return
    const ids = docsOf(user, await this.#platform.storedKeys())
    const left = ids.map(async (id) => {
      const count = pending === "refuse" ? await this.#pendingOf(user, id) : 0
      if (count === 0) await this.#closed.run(() => this.#delete(user, id))
      return { id, pending: count }
    })
    refuse(await Promise.all(left))
  }

  #servedOf(user: string | null): Served[] {
    return this.#served.all.filter((served) => served.user === user)
  }

  async #pendingOf(user: string | null, id: string): Promise<number> {
    // Where it cannot be opened, what is stored counts.
    const open = await this.#served
      .find(user, id)
      ?.document.countPending()
      .catch(() => null)
    if (open !== undefined && open !== null) return open
    const keys = user === null ? [storageKey(null, id)] : [storageKey(user, id), claimKey(user, id)]
    let count = 0
    for (const key of keys) {
      const records = await this.#closed.run(() => this.#platform.readRecords(key))
      count += pendingAtRest({ ...openMemoryLog(), records })
    }
    return count
  }

  async #delete(user: string | null, id: string): Promise<void> {
    const { host, own, deleteLog } = this.#platform
    const key = storageKey(user, id)
    const owning = own(ownerLock(key), { migrations: this.#mutator.migrations.length, onAsked: () => false })
    try {
      await withTimeout(host, OWNED_MS_MAX, owning, ownedElsewhere)
      if (user !== null) await deleteLog(claimKey(user, id))
      await deleteLog(key)
    } finally {
      void owning.then((ownership) => ownership.release())
    }
  }
}

/** @throws PENDING_REFUSED when something is pending in one of them */
function refuse(documents: readonly DocumentOnDevice[]): void {
  const left = documents.filter(({ pending }) => pending > 0)
  if (left.length === 0) return
  const count = left.reduce((sum, { pending }) => sum + pending, 0)
  const named = left.slice(0, NAMED_MAX).map(({ id }) => id)
  const others = left.length > NAMED_MAX ? ` and ${left.length - NAMED_MAX} more` : ""
  throw new LfError(
    "PENDING_REFUSED",
    `${count} changes have not reached the server, in ${named.join(", ")}${others}: wait, or pass { pending: "discard" }`,
  )
}
