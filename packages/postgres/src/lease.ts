import type { Cancel, Host } from "@lf/core/internal"
import type pg from "pg"

export const LEASE_MS = 2_000
const RENEW_MS = 500
/** A mutation may run so long: one renewal that is late, and one that fails, do not cost the lease. */
export const BLOCK_MS_MAX = LEASE_MS - 2 * RENEW_MS
/** Rows of nodes that ended without closing. */
const FORGOTTEN_AFTER = "1 day"

// The database's clock alone judges: a node's own clock may be wrong by any amount.
const RENEW = `
with before as (select lease_until from lf.node where id = $1)
insert into lf.node (id, lease_until, stores, is_serving)
values ($1, clock_timestamp() + $2 * interval '1 millisecond', $3, $4)
on conflict (id) do update set lease_until = excluded.lease_until, stores = excluded.stores
returning coalesce((select lease_until > clock_timestamp() from before), false) as held, seized`

/** What a node says of itself. */
export interface NodeFacts {
  /** The ids of the databases that it knows. */
  readonly stores: readonly string[]
  /** Others reach it for its documents. A command of `lf` is not reached. */
  readonly isServing: boolean
}

export interface Renewal {
  /** The lease held until now. If not, documents may have other owners. */
  readonly wasHeld: boolean
  /** Documents were moved to another database since the last renewal. */
  readonly wasSeized: boolean
}

/**
 * A node's claim that it runs. It only says when others may take its documents: what keeps two owners apart is the
 * fence in each append. A renewal that fails is tried again at the next one's time.
 */
export class Lease {
  readonly #pool: pg.Pool
  readonly #nodeId: string
  readonly #host: Pick<Host, "after">
  readonly #facts: () => NodeFacts
  readonly #onRenewed: (renewal: Renewal) => Promise<void>
  #seized = "0"
  #cancel: Cancel = () => {}
  #isEnded = false
  #renewal: Promise<void> = Promise.resolve()
  /** What was not reported yet. */
  #news: Renewal | null = null
  #report: Promise<void> | null = null
  #retry: Promise<void> | null = null
  readonly #failures: { renewal: unknown; report: unknown } = { renewal: null, report: null }

  constructor(
    pool: pg.Pool,
    nodeId: string,
    options: {
      readonly host: Pick<Host, "after">
      readonly facts: () => NodeFacts
      readonly onRenewed: (renewal: Renewal) => Promise<void>
    },
  ) {
    this.#pool = pool
    this.#nodeId = nodeId
    this.#host = options.host
    this.#facts = options.facts
    this.#onRenewed = options.onRenewed
  }

  /** Resolves if the last renewal and its report did not fail, or those that are tried now do not. @throws what the database says */
  async confirm(): Promise<void> {
    if (this.#failure === null) return
    this.#retry ??= this.#tryRenewal()
      .then(async () => {
        await this.#report
      })
      .finally(() => {
        this.#retry = null
      })
    await this.#retry
    if (this.#failure !== null) throw this.#failure
  }

  get #failure(): unknown {
    return this.#failures.renewal ?? this.#failures.report
  }

  /** Resolves when the lease holds, and renews it from then on. */
  async begin(): Promise<void> {
    await this.#pool.query(`delete from lf.node where lease_until < clock_timestamp() - interval '${FORGOTTEN_AFTER}'`)
    await this.renew()
    this.#schedule()
  }

  async renew(): Promise<Renewal> {
    const { stores, isServing } = this.#facts()
    const values = [this.#nodeId, LEASE_MS, stores, isServing]
    const { rows } = await this.#pool.query<{ held: boolean; seized: string }>(RENEW, values)
    const [{ held, seized }] = rows
    const wasSeized = seized !== this.#seized
    this.#seized = seized
    return { wasHeld: held, wasSeized }
  }

  /** Waits for a renewal under way, so that the lease does not come back. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#cancel()
    await this.#renewal
    await this.#pool.query("delete from lf.node where id = $1", [this.#nodeId])
  }

  #schedule(): void {
    if (this.#isEnded) return
    // One timer, also when what follows `begin` failed and it is called again.
    this.#cancel()
    this.#cancel = this.#host.after(RENEW_MS, () => {
      void this.#tryRenewal().finally(() => this.#schedule())
    })
  }

  #tryRenewal(): Promise<void> {
    this.#renewal = this.#renewal.then(async () => {
      if (this.#isEnded) return
      try {
        const { wasHeld, wasSeized } = await this.renew()
        const { wasHeld: wereHeld, wasSeized: wereSeized } = this.#news ?? { wasHeld: true, wasSeized: false }
        this.#news = { wasHeld: wasHeld && wereHeld, wasSeized: wasSeized || wereSeized }
        this.#failures.renewal = null
      } catch (error) {
        // Without the database no other node can take documents either; the next renewal says what happened meanwhile.
        this.#failures.renewal = error
        return
      }
      this.#report ??= this.#reportAll().finally(() => {
        this.#report = null
      })
    })
    return this.#renewal
  }

  /** One report after the other. No renewal waits for it: what it asks the database may have to wait for busy connections. */
  async #reportAll(): Promise<void> {
    for (let news = this.#news; news !== null; news = this.#news) {
      this.#news = null
      try {
        await this.#onRenewed(news)
        this.#failures.report = null
      } catch (error) {
        this.#failures.report = error
      }
    }
  }
}
