import type { OpenedLog, SeededRandom } from "@lf/core/testing"
import { IDBFactory } from "fake-indexeddb"
import type { BrowserStorage } from "../../packages/react/src/platform/browser/browser-storage.ts"
import { openBrowserLog } from "../../packages/react/src/platform/browser/idb-log.ts"
import type { CheckpointFiles } from "../../packages/react/src/platform/browser/opfs-checkpoint.ts"
import { Countdown, type End } from "./countdown.ts"
import type { Medium } from "./medium.ts"

interface File {
  bytes: Uint8Array
  /** OPFS never syncs: until the machine has run on for long, a power failure may take what was written. */
  isAtRisk: boolean
}

/** A browser's storage: IndexedDB keeps or loses a transaction as a whole, OPFS may lose recent writes. */
export class BrowserDisk implements Medium {
  readonly #random: SeededRandom
  readonly #files = new Map<string, File>()
  readonly #storage: BrowserStorage
  readonly #countdown = new Countdown()

  constructor(random: SeededRandom) {
    this.#random = random
    const factory = new IDBFactory()
    const open = factory.open.bind(factory)
    factory.open = (name, version) => {
      const request = open(name, version)
      request.addEventListener("success", () => this.#watch(request.result))
      return request
    }
    this.#storage = {
      indexedDB: factory,
      files: async () => this.#folder(),
      removeFiles: async () => {},
      isPrivate: async () => false,
    }
  }

  open(): Promise<OpenedLog> {
    return openBrowserLog({ key: "d", storage: this.#storage })
  }

  get calls(): number {
    return this.#countdown.calls
  }

  stopAt(call: number, end: End): void {
    this.#countdown.stopAt(call, end)
  }

  reboot(): void {
    const random = this.#random
    const isPower = random.chance(0.7)
    for (const [name, file] of this.#files) {
      if (!isPower || !file.isAtRisk) continue
      const fate = random.pick(["kept", "gone", "cut", "empty"])
      if (fate === "gone") this.#files.delete(name)
      if (fate === "cut") file.bytes = file.bytes.slice(0, random.below(file.bytes.length + 1))
      if (fate === "empty") file.bytes = new Uint8Array(0)
    }
    this.#countdown.restart()
  }

  /** Null: the call does what it should. Else what its caller gets, and whether it was done all the same. */
  #call(): { isDone: boolean; error: Error } | null {
    const state = this.#countdown.next()
    if (state === "alive") return null
    const { end } = this.#countdown
    const isLast = state === "last"
    const name = end === "full" && isLast ? "QuotaExceededError" : "UnknownError"
    return { isDone: isLast && end === "crash" && this.#random.chance(0.5), error: new DOMException("", name) }
  }

  /** Counts a database's transactions as disk calls: the last one is kept or not, and its caller never learns which. */
  #watch(db: IDBDatabase): void {
    const begin = db.transaction.bind(db)
    db.transaction = (stores, mode, options) => {
      const transaction = begin(stores, mode, options)
      const end = this.#call()
      if (end === null) return transaction
      if (!end.isDone) {
        Object.defineProperty(transaction, "error", { get: () => end.error })
        queueMicrotask(() => abort(transaction))
      } else reportAsAborted(transaction)
      return transaction
    }
  }

  #folder(): CheckpointFiles {
    const meet = () => {
      const end = this.#call()
      if (end !== null) throw end.error
    }
    return {
      names: async () => {
        meet()
        return [...this.#files.keys()]
      },
      read: async (name) => {
        meet()
        return this.#files.get(name)?.bytes ?? null
      },
      write: async (name, parts) => {
        const bytes = new Uint8Array(await new Blob([...parts]).arrayBuffer())
        const end = this.#call()
        // What is written goes to a file of its own first; it takes the name's place as a whole, or does not.
        if (end === null || end.isDone) this.#files.set(name, { bytes, isAtRisk: true })
        if (end !== null) throw end.error
      },
      remove: async (name) => {
        meet()
        this.#files.delete(name)
      },
    }
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It ended by itself: it had nothing to do.
  }
}

/** It is committed, and its owner gets `onabort`. */
function reportAsAborted(transaction: IDBTransaction): void {
  let onAbort: (() => void) | null = null
  Object.defineProperty(transaction, "onabort", {
    set: (listener) => {
      onAbort = listener
    },
    get: () => null,
  })
  Object.defineProperty(transaction, "oncomplete", { set: () => {}, get: () => () => onAbort?.() })
}
