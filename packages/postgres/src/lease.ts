import type { Cancel, Host } from "@lf/core/internal"
import type pg from "pg"

export const LEASE_MS = 2_000
const RENEW_MS = 500
/** Rows of nodes that ended without closing. */
const FORGOTTEN_AFTER = "1 day"

// The database's clock alone judges: a node's own clock may be wrong by any amount.
const RENEW = `
with before as (select lease_until from lf.node where id = $1)
insert into lf.node (id, lease_until) values ($1, clock_timestamp() + $2 * interval '1 millisecond')
on conflict (id) do update set lease_until = excluded.lease_until
returning coalesce((select lease_until > clock_timestamp() from before), false) as held`

/**
 * A node's claim that it runs. It only says when others may take its documents: what keeps two owners apart is the
 * fence in each append. A renewal that fails is tried again at the next one's time.
 */
export class Lease {
  readonly #pool: pg.Pool
  readonly #nodeId: string
  readonly #host: Pick<Host, "after">
  readonly #onRenewed: (wasHeld: boolean) => Promise<void>
  #cancel: Cancel = () => {}
  #isEnded = false
  #renewal: Promise<void> = Promise.resolve()
  #failure: unknown = null
  #retry: Promise<void> | null = null

  /** `onRenewed` learns whether the lease held until this renewal; if not, documents may have other owners. */
  constructor(
    pool: pg.Pool,
    nodeId: string,
    { host, onRenewed }: { host: Pick<Host, "after">; onRenewed: (wasHeld: boolean) => Promise<void> },
  ) {
    this.#pool = pool
    this.#nodeId = nodeId
    this.#host = host
    this.#onRenewed = onRenewed
  }

  /** Resolves if the last renewal did not fail, or one that is tried now does not. @throws what the database says */
  async confirm(): Promise<void> {
    if (this.#failure === null) return
    this.#retry ??= this.#renewAndReport().finally(() => {
      this.#retry = null
    })
    await this.#retry
    if (this.#failure !== null) throw this.#failure
  }

  /** Resolves when the lease holds, and renews it from then on. */
  async begin(): Promise<void> {
    await this.#pool.query(`delete from lf.node where lease_until < clock_timestamp() - interval '${FORGOTTEN_AFTER}'`)
    await this.renew()
    this.#schedule()
  }

  /** Answers whether the lease held until now. */
  async renew(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ held: boolean }>(RENEW, [this.#nodeId, LEASE_MS])
    return rows[0].held
  }

  /** Waits for a renewal under way, so that the lease does not come back. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#cancel()
    await Promise.all([this.#renewal, this.#retry])
    await this.#pool.query("delete from lf.node where id = $1", [this.#nodeId])
  }

  #schedule(): void {
    if (this.#isEnded) return
    // One timer, also when what follows `begin` failed and it is called again.
    this.#cancel()
    this.#cancel = this.#host.after(RENEW_MS, () => {
      this.#renewal = this.#renewAndReport().finally(() => this.#schedule())
    })
  }

  async #renewAndReport(): Promise<void> {
    try {
      await this.#onRenewed(await this.renew())
      this.#failure = null
    } catch (error) {
      // Without the database no other node can take documents either; the next renewal says what happened meanwhile.
      this.#failure = error
    }
  }
}
