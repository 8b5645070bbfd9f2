import type { SqlMode } from "./authorizer.ts"
import type { SqliteModule } from "./module.ts"

/** Prepared statements kept per connection; past this the least recently used is finalized. */
const STATEMENTS_MAX = 200

interface Prepared {
  readonly stmt: number
  readonly names: readonly string[]
}

/** Prepared statements by mode and text: a statement that was allowed in one mode says nothing about another. */
export class StatementCache {
  readonly #module: SqliteModule
  readonly #byKey = new Map<string, Prepared>()

  constructor(module: SqliteModule) {
    this.#module = module
  }

  acquire(mode: SqlMode, sql: string, prepare: () => Prepared): Prepared {
    const key = `${mode}:${sql}`
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      this.#byKey.delete(key)
      this.#byKey.set(key, known)
      return known
    }
    const prepared = prepare()
    this.#byKey.set(key, prepared)
    if (this.#byKey.size > STATEMENTS_MAX) this.#dropOldest()
    return prepared
  }

  clear(): void {
    for (const { stmt } of this.#byKey.values()) this.#module._sqlite3_finalize(stmt)
    this.#byKey.clear()
  }

  #dropOldest(): void {
    const [oldest] = this.#byKey
    this.#module._sqlite3_finalize(oldest[1].stmt)
    this.#byKey.delete(oldest[0])
  }
}
