import { setTimeout as sleep } from "node:timers/promises"
import pg from "pg"

/** The database, or the role, has as many connections as it may have. */
const TOO_MANY_CONNECTIONS = "53300"
const AGAIN_MS = 50

type Callback = (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void

/**
 * Waits where the database takes no more connections: another one ends, or one of the pool's own is free before. No statement was sent
 * by then, so none is sent twice.
 */
export class PatientPool extends pg.Pool {
  readonly #patienceMs: number

  constructor(options: pg.PoolConfig, patienceMs: number) {
    super(options)
    this.#patienceMs = patienceMs
  }

  override connect(): Promise<pg.PoolClient>
  override connect(callback: Callback): void
  // The driver's own queries come with a callback.
  override connect(callback?: Callback): unknown {
    const connected = this.#connect()
    if (callback === undefined) return connected
    connected.then(
      (client) => callback(undefined, client, (release) => client.release(release === true)),
      (error: Error) => callback(error, undefined, () => {}),
    )
    return undefined
  }

  async #connect(): Promise<pg.PoolClient> {
    const endMs = performance.now() + this.#patienceMs
    for (;;) {
      try {
        return await super.connect()
      } catch (error) {
        const isFull = error instanceof Error && "code" in error && error.code === TOO_MANY_CONNECTIONS
        if (!isFull || performance.now() >= endMs) throw error
        await sleep(AGAIN_MS)
      }
    }
  }
}
