// One PostgreSQL for the tests of a file; each test that asks for it has a database of its own in it.
import pg from "pg"
import { afterAll, beforeAll } from "vitest"
import { startPostgres } from "../../../../scripts/postgres.mjs"
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from "../store.ts"
import { admin } from "./admin.ts"

const START_MS_MAX = 60_000

export interface TestServer {
  /** A new empty database. */
  makeDatabase(): Promise<TestDatabase>
  /** A node on several. Closed at the end of the file. */
  openShards(databases: readonly TestDatabase[], options?: Partial<PostgresStoreOptions>): PostgresStore
  /** Ends every connection and the server without a shutdown, and starts it again. */
  restart(): Promise<void>
  /** Ends every connection and the server, until `start`. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface TestDatabase {
  readonly connectionString: string
  /** The same database for another role. */
  connectionStringOf(role: string): string
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
  /** A node on it. The first one migrates. Closed at the end of the file. */
  openStore(options?: Partial<PostgresStoreOptions>): Promise<PostgresStore>
}

/** Starts before the first test of the file and ends after its last, whatever happens in between. */
export function testServer(): TestServer {
  let server: Awaited<ReturnType<typeof startPostgres>>
  let databases = 0
  const stores: PostgresStore[] = []
  const pools: pg.Pool[] = []

  beforeAll(async () => {
    server = await startPostgres()
  }, START_MS_MAX)
  afterAll(async () => {
    await Promise.allSettled([...stores.map((store) => store.close()), ...pools.map((pool) => pool.end())])
    await server.stop()
  }, START_MS_MAX)

  return {
    restart: () => server.restart(),
    stop: () => server.cut(),
    start: () => server.start(),
    openShards(databases, options = {}) {
      const shards = databases.map(({ connectionString }) => connectionString)
      const store = postgresStore({ shards, ownerWaitMs: 0, ...options })
      stores.push(store)
      return store
    },
    async makeDatabase() {
      const name = `test${++databases}`
      await admin(server.connectionString, `create database ${name} template template0 strategy wal_log`)
      const connectionString = server.connectionString.replace(/postgres$/, name)
      const pool = new pg.Pool({ connectionString, max: 2, allowExitOnIdle: true })
      pool.on("error", () => {})
      pools.push(pool)
      return {
        connectionString,
        connectionStringOf: (role) => connectionString.replace("lf:", `${role}:`),
        query: async <Row extends object>(text: string, values: unknown[] = []) =>
          (await pool.query<Row>(text, values)).rows,
        async openStore(options = {}) {
          const store = postgresStore({ connectionString, ownerWaitMs: 0, ...options })
          stores.push(store)
          await store.migrate()
          return store
        },
      }
    },
  }
}

/** Timers that run when the test says so. */
export class TestTimers {
  #due: (() => void)[] = []

  after(_delayMs: number, run: () => void): () => void {
    this.#due.push(run)
    return () => {
      this.#due = this.#due.filter((one) => one !== run)
    }
  }

  runDue(): void {
    for (const run of this.#due.splice(0)) run()
  }
}

/** "done", or the code that it was refused with. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "done",
    (error) => error.code ?? String(error),
  )
}
