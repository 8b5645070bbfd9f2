import { isMade } from "./sim-app.ts"

interface Append {
  readonly type: "append"
  readonly process: string
  readonly value: string
  readonly invokedAt: number
  okAt: number | null
  isRefused: boolean
}

interface Read {
  readonly type: "read"
  readonly process: string
  readonly values: readonly string[]
  readonly at: number
}

/**
 * What the users of one document did and saw, for a judge that knows nothing of lf (proof/history): the audit table is a
 * list to which every mutation appends its uid.
 */
export class SimHistory {
  readonly #appends = new Map<string, Append>()
  readonly #operations: (Append | Read)[] = []

  get operations(): readonly (Append | Read)[] {
    return this.#operations
  }

  called(process: string, uid: string, atMs: number): void {
    if (this.#appends.has(uid)) return // called again by its uid
    const append: Append = { type: "append", process, value: uid, invokedAt: atMs, okAt: null, isRefused: false }
    this.#appends.set(uid, append)
    this.#operations.push(append)
  }

  decided(uid: string, type: string, atMs: number): void {
    const append = this.#appends.get(uid)
    if (append === undefined) return
    if (type === "applied") append.okAt ??= atMs
    if (type === "rejected") append.isRefused = true
  }

  saw(process: string, uids: readonly string[], atMs: number): void {
    this.#operations.push({ type: "read", process, values: uids.filter(isMade), at: atMs })
  }
}
