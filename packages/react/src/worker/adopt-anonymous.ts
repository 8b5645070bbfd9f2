import type { LfError, Mutation, Mutator } from "@lf/core"
import { isAwaited, Local, type Session, toLfError } from "@lf/core/internal"
import type { Ownership, Platform } from "../platform/port.ts"
import { claimKey, ownerLock, storageKey } from "../rpc/storage-key.ts"

/** How long a user's first opening waits for tabs that still show the document anonymously: longer than signing in takes. */
const FREE_MS_MAX = 4_000

/** What was written here before a user signed in is that user's from then on (T26): see docs/decisions/0009. */
export interface AdoptionOptions {
  readonly platform: Platform
  readonly doc: string
  readonly user: string
}

/** A user without a log here gets the whole anonymous log, at once: the user goes on with that document. */
export async function adoptWholeLog({ platform, doc, user }: AdoptionOptions): Promise<void> {
  const [from, to] = [storageKey(null, doc), storageKey(user, doc)]
  if ((await platform.hasLog(to)) || !(await platform.hasLog(from))) return
  const patience = new AbortController()
  const cancel = platform.host.after(FREE_MS_MAX, () => patience.abort())
  let ownership: Ownership
  try {
    ownership = await platform.ownWhenFree(ownerLock(from), patience.signal)
  } catch {
    // A tab stays anonymous: its log is adopted in parallel, once the tab is closed.
    return
  } finally {
    cancel()
  }
  try {
    // A log that cannot be opened stays where it is: the user's own document must open.
    const { log } = await platform.openLog(from)
    await log.close()
    await platform.moveLog(from, to)
  } catch {
    // The user's own document comes first; the next opening retries.
  } finally {
    ownership.release()
  }
}

export interface DrainOptions extends AdoptionOptions {
  readonly mutator: Mutator
  /** The user's own document: it gets the rejections. */
  readonly into: Local
  readonly connect: (local: Local) => Session
  readonly onChange: () => void
}

/**
 * A user who has a log here already gets the anonymous one as a second: first as a whole, so that no other user ever sends
 * what is in it (T25); then its mutations go to the server, under the client id that made them, until none is left.
 */
export class AnonymousLogAdoption {
  readonly #options: DrainOptions
  readonly #stopping = new AbortController()
  #done: Promise<void> = Promise.resolve()
  #local: Local | null = null
  #session: Session | null = null
  #failure: LfError | null = null
  #isOnline = true

  constructor(options: DrainOptions) {
    this.#options = options
    this.look()
  }

  /** There may be something to adopt: the user signed out, wrote anonymously and signed in again. */
  look(): void {
    this.#done = this.#done
      .then(() => this.#run())
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return
        this.#failure = toLfError(error, "LOG_FAILED")
        this.#options.onChange()
      })
  }

  /** Its mutations wait for the server, and are not in the user's view before. */
  get pending(): readonly Mutation[] {
    return this.#local?.pending() ?? []
  }

  get pendingCount(): number {
    return this.#local?.pendingCount ?? 0
  }

  /** The user deletes what is adopted too. */
  discard(): void {
    this.#local?.discard()
  }

  get failure(): LfError | null {
    return this.#failure ?? this.#session?.state.error ?? null
  }

  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline
    this.#session?.setOnline(isOnline)
  }

  poke(): void {
    this.#session?.poke()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { platform, doc, user } = this.#options
    const key = claimKey(user, doc)
    this.#failure = null
    while ((await platform.hasLog(key)) || (await this.#take(key))) {
      if (this.#stopping.signal.aborted) return
      await this.#drain(key)
    }
  }

  /** False: there is nothing to adopt. */
  async #take(key: string): Promise<boolean> {
    const { platform, doc } = this.#options
    const from = storageKey(null, doc)
    if (!(await platform.hasLog(from))) return false
    const ownership = await platform.ownWhenFree(ownerLock(from), this.#stopping.signal)
    try {
      const opened = await platform.openLog(from)
      await opened.log.close()
      if (!isAwaited(opened)) return false
      await platform.moveLog(from, key)
      return true
    } finally {
      ownership.release()
    }
  }

  async #drain(key: string): Promise<void> {
    const { platform, mutator, user, into, connect, onChange } = this.#options
    const module = await platform.loadSqlite()
    const opened = await platform.openLog(key)
    if (this.#stopping.signal.aborted) return await opened.log.close()
    const local = new Local({ opened, module, mutator, host: platform.host, user })
    this.#local = local
    try {
      await this.#send(local, connect)
      // Stored in the user's document before they are removed here: a crash between the two changes nothing.
      await into.adopt(local.rejections)
    } finally {
      this.#session?.stop()
      this.#session = null
      await local.close()
      this.#local = null
    }
    await platform.deleteLog(key)
    onChange()
  }

  /** Resolves when nothing is pending. @throws what `local` failed with */
  #send(local: Local, connect: DrainOptions["connect"]): Promise<void> {
    const { signal } = this.#stopping
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason))
      const look = () => {
        this.#options.onChange()
        if (local.failure !== null) reject(local.failure)
        else if (local.pendingCount === 0) resolve()
      }
      local.watch(look)
      look()
      if (local.pendingCount === 0 || local.failure !== null) return
      this.#session = connect(local)
      if (!this.#isOnline) this.#session.setOnline(false)
    })
  }
}
