import { isLfError, LfError } from "@lf/core"
import type pg from "pg"
import { newestOf, refuseUnknownPlaces } from "./locator.ts"
import { arrive, moveDocument, removeArriving } from "./move.ts"
import { homeOf, type Placement } from "./placement.ts"
import type { Shard } from "./shard.ts"
import { toStoreError } from "./store-error.ts"

export interface Rebalanced {
  /** Documents that were moved to their home by this call. */
  readonly moved: number
  /** Those that could not be moved, each with the reason. While there are any, documents are looked for at all databases. */
  readonly left: readonly { readonly document: string; readonly error: LfError }[]
  /** The addresses of the databases that have the documents now. */
  readonly shards: readonly string[]
}

export interface RebalanceOptions {
  /** Databases of `shards` that are to have no documents any more: addresses, as `postgres://host:5432/database`. */
  readonly without?: readonly string[]
  readonly onProgress?: (moved: number) => void
}

/** Any number that no other program locks: "lf" and a balance. */
const REBALANCE_LOCK = 0x6c66_0001
const KEYS_READ = 1_000
const MOVES_AT_ONCE = 4
/** What could not be moved is tried again. */
const PASSES_MAX = 3

/**
 * Spreads all documents over `shards`, also while servers have them open. What was cut is finished by the next call; one that finds
 * nothing to do changes nothing.
 * @throws LOG_OWNED when another call runs; LOG_FAILED when a database does not answer, `shards` lacks one that may have documents, or a
 * server that runs does not know all; LOG_FULL
 */
export async function rebalance(
  shards: readonly Shard[],
  { without = [], onProgress = () => {} }: RebalanceOptions = {},
): Promise<Rebalanced> {
  await Promise.all(shards.map((shard) => shard.begin()))
  const targets = targetsOf(shards, without)
  const locks = new Locks()
  try {
    await locks.take(shards)
    await refuseServersWithout(shards, targets)
    const before = await Promise.all(shards.map((shard) => shard.placement()))
    const newest = newestOf(before)
    if (newest !== null) refuseUnknownPlaces(newest, shards)
    const ids = targets.flatMap(({ id }) => id ?? []).sort()
    const addresses = targets.map(({ address }) => address)
    if (before.every((one) => one.version > 0 && one.isSettled && one.shards.join() === ids.join()))
      return { moved: 0, left: [], shards: addresses }
    const version = (newest?.version ?? 0) + 1
    const sources = shards.flatMap(({ id }) => id ?? [])
    await writeAll(shards, { version, shards: ids, isSettled: false, sources })
    const spread = new Spread(shards, ids, onProgress)
    await spread.finishEarlier()
    for (let pass = 0; pass < PASSES_MAX && (pass === 0 || spread.left.length > 0); pass++) await spread.moveAll()
    if (spread.left.length === 0) {
      await spread.removeCopies()
      await locks.confirm()
      await writeAll(shards, { version: version + 1, shards: ids, isSettled: true, sources: [] })
    }
    return { moved: spread.moved, left: spread.left, shards: addresses }
  } catch (error) {
    throw toStoreError(error, "documents were moved")
  } finally {
    await locks.free()
  }
}

function targetsOf(shards: readonly Shard[], without: readonly string[]): Shard[] {
  const unknown = without.find((address) => !shards.some((shard) => shard.address === address))
  const known = shards.map(({ address }) => address).join(", ")
  if (unknown !== undefined) throw new LfError("LOG_FAILED", `${unknown} is not one of the databases: ${known}`)
  const targets = shards.filter(({ address }) => !without.includes(address))
  if (targets.length === 0) throw new LfError("LOG_FAILED", `no database would be left of ${known}`)
  return targets
}

/** One call at a time has all databases: each lock lasts as long as its connection. */
class Locks {
  readonly #clients: pg.Client[] = []

  /** In one order, so that of two calls one gets all. @throws LOG_OWNED */
  async take(shards: readonly Shard[]): Promise<void> {
    for (const { address, connections } of shards.toSorted((a, b) => ((a.id ?? "") < (b.id ?? "") ? -1 : 1))) {
      const client = connections.mail.newClient()
      client.on("error", () => {}) // `confirm` finds it
      this.#clients.push(client)
      await client.connect()
      const { rows } = await client.query<{ is_locked: boolean }>("select pg_try_advisory_lock($1) as is_locked", [
        REBALANCE_LOCK,
      ])
      if (!rows[0].is_locked) throw new LfError("LOG_OWNED", `another lf rebalance runs on ${address}`)
    }
  }

  /** Throws when a connection was lost, since when another call may have written its own placement. */
  async confirm(): Promise<void> {
    for (const client of this.#clients) await client.query("select")
  }

  async free(): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.end()))
  }
}

const LACKING = `
select count(*)::int as count from lf.node
where is_serving and lease_until > clock_timestamp() and not stores @> $1`

/** They would refuse the documents of a database that they do not know. */
async function refuseServersWithout(shards: readonly Shard[], targets: readonly Shard[]): Promise<void> {
  const ids = targets.map(({ id }) => id)
  for (const { connections, address } of shards) {
    const { rows } = await connections.work.query<{ count: number }>(LACKING, [ids])
    if (rows[0].count > 0)
      throw new LfError(
        "LOG_FAILED",
        `${rows[0].count} running servers on ${address} do not know all of \`shards\`: give them the same list first`,
      )
  }
}

/** One after the other. Until all have it, nothing is made by it; where it was written, nothing by the one before. */
async function writeAll(shards: readonly Shard[], placement: Placement): Promise<void> {
  for (const shard of shards) await shard.writePlacement(placement)
}

class Spread {
  readonly #shards: readonly Shard[]
  readonly #byId: ReadonlyMap<string | null, Shard>
  readonly #ids: readonly string[]
  readonly #onProgress: (moved: number) => void
  moved = 0
  left: { document: string; error: LfError }[] = []

  constructor(shards: readonly Shard[], ids: readonly string[], onProgress: (moved: number) => void) {
    this.#shards = shards
    this.#byId = new Map(shards.map((shard) => [shard.id, shard]))
    this.#ids = ids
    this.#onProgress = onProgress
  }

  /** What an earlier call, which was cut, has moved already. */
  async finishEarlier(): Promise<void> {
    for (const from of this.#shards) {
      const { rows } = await from.connections.work.query<{ doc: string; moved_to: string }>(
        "select doc, moved_to from lf.document where moved_to is not null",
      )
      for (const { doc, moved_to } of rows) {
        const to = this.#byId.get(moved_to)
        if (to === undefined)
          throw new LfError("LOG_FAILED", `${doc} moved to a database that is not one of \`shards\``)
        await arrive(doc, { from, to })
      }
    }
  }

  async moveAll(): Promise<void> {
    this.left = []
    for (const from of this.#shards) {
      for (let last = ""; ; ) {
        const { rows } = await from.connections.work.query<{ doc: string }>(
          `select doc from lf.document where doc > $1 and not is_arriving and moved_to is null order by doc limit ${KEYS_READ}`,
          [last],
        )
        await this.#moveSome(
          from,
          rows.map(({ doc }) => doc),
        )
        const end = rows.at(-1)
        if (end === undefined) break
        last = end.doc
      }
    }
  }

  async #moveSome(from: Shard, keys: readonly string[]): Promise<void> {
    const waiting = keys.filter((key) => homeOf(key, this.#ids) !== from.id)
    const work = async () => {
      for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await this.#move(key, from)
    }
    await Promise.all(Array.from({ length: MOVES_AT_ONCE }, work))
  }

  async #move(key: string, from: Shard): Promise<void> {
    const to = this.#byId.get(homeOf(key, this.#ids))
    if (to === undefined) return
    try {
      if (await moveDocument(key, { from, to })) {
        this.#onProgress(++this.moved)
      } else if ((await from.look(key, { takes: false })).state === "here") {
        throw new LfError("LOG_OWNED", `a command of lf has ${key} open`)
      }
    } catch (error) {
      if (!isLfError(error) || error.code === "LOG_FAILED" || error.code === "LOG_FULL") throw error
      this.left.push({ document: key, error })
    }
  }

  /** Their documents were deleted before they had moved. */
  async removeCopies(): Promise<void> {
    for (const shard of this.#shards) {
      const { rows } = await shard.connections.work.query<{ doc: string }>(
        "select doc from lf.document where is_arriving",
      )
      for (const { doc } of rows) await removeArriving(doc, shard)
    }
  }
}
