import type pg from "pg"
import { inTransaction } from "./connection.ts"
import type { Placement } from "./placement.ts"

/** The columns of lf.store that say what a database takes for the placement. */
export const PLACEMENT = "store.id as store, placement_version, shards, is_settled, sources"

export interface PlacementRow {
  /** The database's own id. */
  readonly store: string
  readonly placement_version: string
  readonly shards: readonly string[]
  readonly is_settled: boolean
  readonly sources: readonly string[]
}

export function placementOf({ store, placement_version, shards, is_settled, sources }: PlacementRow): Placement {
  const version = Number(placement_version)
  return { version, shards: version === 0 ? [store] : shards, isSettled: is_settled, sources }
}

export async function readPlacement(pool: pg.Pool): Promise<Placement> {
  const { rows } = await pool.query<PlacementRow>(`select ${PLACEMENT} from lf.store`)
  return placementOf(rows[0])
}

/** Where none was written yet and, with `mustBeEmpty`, there is no document. */
export async function beginPlacement(
  pool: pg.Pool,
  { version, shards, isSettled, sources }: Placement,
  { mustBeEmpty }: { readonly mustBeEmpty: boolean },
): Promise<void> {
  await inTransaction(pool, "begin", async (client) => {
    // What is made by the one before was made when this is locked, and the next statement sees it.
    await client.query("select from lf.store where placement_version = 0 for update")
    await client.query(
      `update lf.store set placement_version = $1, shards = $2, is_settled = $3, sources = $4
       where placement_version = 0 and not ($5 and exists (select from lf.document))`,
      [version, shards, isSettled, sources, mustBeEmpty],
    )
  })
}

/** Resolves when no document is made any more by an earlier one. */
export async function writePlacement(pool: pg.Pool, { version, shards, isSettled, sources }: Placement): Promise<void> {
  await pool.query(
    `update lf.store set placement_version = $1, shards = $2, is_settled = $3, sources = $4 where placement_version < $1`,
    [version, shards, isSettled, sources],
  )
}
