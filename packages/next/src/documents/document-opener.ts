import { setTimeout } from "node:timers/promises"
import { ERROR_CODES, isLfError, LfError, type Mutator } from "@lf/core"
import {
  type DocumentLog,
  type DocumentStore,
  type DurableGroup,
  type Effect,
  type Host,
  type OnFailed,
  type OpenedLog,
  type Pipe,
  RelayedDocument,
  Remote,
} from "@lf/core/internal"
import type { Limits } from "../limits/limits.ts"
import type { Reporter } from "../log/error-report.ts"
import { vmGuard } from "../node/guard.ts"
import { loadSqlite, prepareSqlite } from "../node/load-sqlite.ts"
import { isDevelopment } from "../process/environment.ts"

export type RoomLimits = Pick<Limits, "idleMs" | "openRoomsMax" | "mutationMsMax" | "queryMsMax" | "documentPagesMax">

/** A mutation that was applied. `uid` is the idempotency key for its receiver. */
export interface AppliedEvent extends Effect {
  readonly docId: string
}

export type OnApplied = (event: AppliedEvent) => void | Promise<void>

/** The app's callbacks, besides what its clients are sent. */
export interface LfHooks {
  readonly onApplied?: OnApplied | undefined
  readonly reporter?: Reporter | undefined
}

/** Called with what became durable in one document. */
export type OnDurable = (docId: string, group: DurableGroup) => void

/** A document that another server owns is looked for so often, for so long: an owner that was killed lets go within 2 s. */
const OWNER_POLL_MS = 50
const OWNER_WAIT_MS = 3_000

/** What an opening gave: this server owns the document, or another one does, to which it is relayed. */
export type Opened = { readonly document: Remote; readonly log: DocumentLog } | { readonly document: RelayedDocument }

/** Called once, when what was opened is over and must be opened again: its storage failed, or its owner is gone. */
export type OnOver = () => void

/** Opens the documents of one store: as their owner, or as a relay to the server that owns them. */
export class DocumentOpener {
  readonly store: DocumentStore
  readonly #host: Host
  readonly #limits: RoomLimits
  #hooks: LfHooks & { readonly reporter: Reporter }
  #mutator: Mutator
  readonly #onDurable: OnDurable
  #isRefusalReported = false
  /** Documents whose storage failed them: this process lives, so none of their mutations is suspected of having killed it. */
  readonly #failed = new Set<string>()

  constructor(options: {
    store: DocumentStore
    host: Host
    limits: RoomLimits
    mutator: Mutator
    hooks: LfHooks & { readonly reporter: Reporter }
    onDurable: OnDurable
  }) {
    this.store = options.store
    this.#host = options.host
    this.#limits = options.limits
    this.#mutator = options.mutator
    this.#hooks = options.hooks
    this.#onDurable = options.onDurable
  }

  get reporter(): Reporter {
    return this.#hooks.reporter
  }

  /** Takes newer code. False: it is the same. */
  adopt({ mutator, onApplied, reporter = this.reporter }: LfHooks & { readonly mutator: Mutator }): boolean {
    this.#hooks = { onApplied, reporter }
    if (mutator === this.#mutator) return false
    this.#mutator = mutator
    return true
  }

  /** Takes the store. @throws SERVER_DIRECTORY_OWNED STORE_UNAVAILABLE */
  async begin(): Promise<void> {
    try {
      // Beside the wait for the store, which may be long.
      void prepareSqlite().catch(() => {}) // the first opening throws it
      await this.store.begin()
      this.#isRefusalReported = false
    } catch (error) {
      throw this.#unavailable(error)
    }
  }

  /** What an opening failed with: where a database did not answer, that the store cannot be used now, not that a disk is broken. */
  failureOf(error: unknown): unknown {
    const isOfDatabase = this.store.peers !== null && isLfError(error) && error.code === "LOG_FAILED"
    return isOfDatabase ? this.#unavailable(error) : error
  }

  #unavailable(error: unknown): LfError {
    const event = this.store.peers !== null ? "store-refused" : "directory-refused"
    if (!this.#isRefusalReported) this.reporter.failed({ event, error, code: "LOG_FAILED" })
    this.#isRefusalReported = true
    if (isLfError(error) && error.code === "SERVER_DIRECTORY_OWNED") return error
    // A client takes codes of a log for its own disk's.
    return new LfError("STORE_UNAVAILABLE", ERROR_CODES.STORE_UNAVAILABLE, { cause: error })
  }

  /** Where servers share the store, a document that none of them owns is taken, and any other is relayed to its owner. */
  async open(docId: string, onOver: OnOver): Promise<Opened> {
    await this.begin()
    const { peers } = this.store
    if (peers === null) {
      const opened = await this.store.open(docId)
      return await this.#recover(docId, { ...opened, wasLetGo: this.#failed.delete(docId) }, onOver)
    }
    const endMs = this.#host.monotonicMs() + OWNER_WAIT_MS
    for (;;) {
      try {
        const found = await peers.openOrReach(docId)
        return "log" in found ? await this.#recover(docId, found, onOver) : await this.#reach(found, onOver)
      } catch (error) {
        const isOwned = isLfError(error) && error.code === "LOG_OWNED"
        if (!isOwned || this.#host.monotonicMs() >= endMs) throw error
      }
      await setTimeout(OWNER_POLL_MS)
    }
  }

  async #reach(pipe: Pipe, onLost: OnOver): Promise<Opened> {
    return { document: await RelayedDocument.over({ pipe, mutator: this.#mutator, host: this.#host, onLost }) }
  }

  async #recover(docId: string, opened: OpenedLog, onOver: OnOver): Promise<Opened> {
    const { log } = opened
    try {
      const remote = await Remote.recover({
        opened,
        closesAtOnce: this.store.peers !== null,
        loadSqlite,
        mutator: this.#mutator,
        host: this.#host,
        guard: vmGuard(this.#limits.mutationMsMax),
        queryMsMax: this.#limits.queryMsMax,
        pagesMax: this.#limits.documentPagesMax,
        sendsMessages: isDevelopment(),
        onFailed: (failed) => this.#onFailed(docId, failed),
        onNearLimit: ({ pagesUsed, pagesMax }) => {
          const detail = `${pagesUsed} of ${pagesMax} pages`
          this.reporter.log({ level: "warn", event: "document-nearly-full", doc: docId, detail })
        },
        onStopped: (error) => {
          this.#noteFailed(docId)
          this.reporter.failed({ event: "document-stopped", error, code: "DOC_STOPPED", doc: docId })
          onOver()
        },
        onDurable: (group) => this.#onDurable(docId, group),
        ...(this.#hooks.onApplied === undefined ? {} : { onApplied: (effect) => this.#callOnApplied(docId, effect) }),
      })
      return { document: remote, log }
    } catch (error) {
      this.#noteFailed(docId)
      await log.close()
      throw error
    }
  }

  /** Where servers share the store, that says who let go of a document. */
  #noteFailed(docId: string): void {
    if (this.store.peers === null) this.#failed.add(docId)
  }

  async #callOnApplied(docId: string, effect: Effect): Promise<void> {
    try {
      await this.#hooks.onApplied?.({ docId, ...effect })
    } catch (error) {
      const { name: mutation, uid, user } = effect
      this.reporter.failed({ event: "effect-failed", error, code: "MUTATION_THREW", doc: docId, mutation, uid, user })
      throw error
    }
  }

  /** A mutation threw a bug, or was stopped: its author is sent the code, the operator the place in the code. */
  #onFailed(docId: string, { mutation: { name, uid }, user, error }: Parameters<OnFailed>[0]): void {
    // An unknown name is text that a client chose.
    const mutation = this.#mutator.has(name) ? name : "of an unknown name"
    this.reporter.failed({ event: "mutation-failed", error, code: "MUTATION_THREW", doc: docId, mutation, uid, user })
  }
}
