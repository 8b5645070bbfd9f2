import type { SqlMode } from "./authorizer.ts"
import type { SqliteModule } from "./module.ts"

/** Prepared statements kept per connection and mode; past this the oldest is finalized. */
const STATEMENTS_MAX = 200

interface Prepared {
  readonly stmt: number
  readonly names: readonly string[]
}

/** Prepared statements by mode and text: a statement that was allowed in one mode says nothing about another. */
export class StatementCache {
  readonly #module: SqliteModule
  readonly #byMode: Record<SqlMode, Map<string, Prepared>> = {
    query: new Map(),
    mutation: new Map(),
    migration: new Map(),
    internal: new Map(),
  }

  constructor(module: SqliteModule) {
    this.#module = module
  }

  acquire(mode: SqlMode, sql: string, prepare: () => Prepared): Prepared {
    const bySql = this.#byMode[mode]
    const known = bySql.get(sql)
    if (known !== undefined) return known
    const prepared = prepare()
    bySql.set(sql, prepared)
    if (bySql.size > STATEMENTS_MAX) this.#dropOldest(bySql)
    return prepared
  }

  clear(): void {
    for (const bySql of Object.values(this.#byMode)) {
      for (const { stmt } of bySql.values()) this.#module._sqlite3_finalize(stmt)
      bySql.clear()
    }
  }

  #dropOldest(bySql: Map<string, Prepared>): void {
    const [[sql, { stmt }]] = bySql
    this.#module._sqlite3_finalize(stmt)
    bySql.delete(sql)
  }
}
