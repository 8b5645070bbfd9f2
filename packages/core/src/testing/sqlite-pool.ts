import { assert } from "../base/assert.ts"
import type { SqliteModule } from "../sqlite/module.ts"

/** Each connection leaves some 64 KiB behind in its instance, so one is not used for ever. */
const USES_MAX = 100

/**
 * Wasm instances, made before a run begins: loading takes real time, which a virtual clock must not see. An instance is
 * given back when its database was closed on it.
 */
export class SqlitePool {
  readonly #load: () => Promise<SqliteModule>
  readonly #free: SqliteModule[] = []
  readonly #uses = new Map<SqliteModule, number>()

  constructor(load: () => Promise<SqliteModule>) {
    this.#load = load
  }

  async fill(count: number): Promise<void> {
    while (this.#free.length < count) this.#free.push(await this.#load())
  }

  take(): SqliteModule {
    const module = this.#free.pop()
    assert(module !== undefined, "the pool was filled for the whole run")
    this.#uses.set(module, (this.#uses.get(module) ?? 0) + 1)
    return module
  }

  give(module: SqliteModule): void {
    if ((this.#uses.get(module) ?? 0) < USES_MAX) this.#free.push(module)
  }
}
