// One document from a database to another, in steps of which each holds if no further one comes:
//
//   1. `seize`: the document gets an owner that changes nothing. What the old one appends is refused by its fence.
//   2. `copy`: the target has it as arriving, and refuses to open it.
//   3. `leave`: one statement says that it has moved. Before it, the document is at its old place, afterwards at the new one.
//   4. `arrive`: it opens at the target, and what is left at the old place is removed. A lookup of it does this too.
import { LfError } from "@lf/core"
import { concatBytes, pagesChecksum, type StoredLog } from "@lf/core/internal"
import { inTransaction } from "./connection.ts"
import { encodeRow, type Recovered, readDocument } from "./recovery.ts"
import type { Shard } from "./shard.ts"
import { toStoreError } from "./store-error.ts"

export interface Move {
  readonly from: Shard
  readonly to: Shard
}

const FIND = `
select owner from lf.document where doc = $1 and moved_to is null and not is_arriving and not exists (
  select from lf.node where id = owner and not is_serving and id <> $2 and lease_until > clock_timestamp())
for update`

const SEIZE =
  "update lf.document set owner = $2, fence = nextval('lf.number') where doc = $1 returning fence, changed_at"

const PREPARE = `
insert into lf.document as document (doc, owner, fence, is_arriving) values ($1, $2, nextval('lf.number'), true)
on conflict (doc) do update set owner = excluded.owner, fence = excluded.fence where document.is_arriving
returning fence`

const LEAVE = "update lf.document set moved_to = $3, owner = null where doc = $1 and fence = $2 and moved_to is null"

const ARRIVE = "update lf.document set is_arriving = false, owner = null where doc = $1 and is_arriving"

interface Seized {
  readonly fence: bigint
  readonly changedAt: Date
}

/**
 * False: there is no such document any more, or a command has it open.
 * @throws LOG_OWNED LOG_DEPOSED LOG_CORRUPT LOG_FULL LOG_FAILED
 */
export async function moveDocument(key: string, { from, to }: Move): Promise<boolean> {
  try {
    const seized = await seize(key, from)
    if (seized === null) return false
    await moveSeized(key, seized, { from, to })
    return true
  } catch (error) {
    throw toStoreError(error, "a document was moved")
  }
}

/** Its owner finds out at its next renewal, or when it appends. */
async function seize(key: string, { connections, nodeId }: Shard): Promise<Seized | null> {
  return await inTransaction(connections.work, "begin", async (client) => {
    const found = await client.query<{ owner: string | null }>(FIND, [key, nodeId])
    if (found.rows.length === 0) return null
    const [{ owner }] = found.rows
    const { rows } = await client.query<{ fence: string; changed_at: Date }>(SEIZE, [key, nodeId])
    await client.query("update lf.node set seized = seized + 1 where id = $1 and id <> $2", [owner, nodeId])
    return { fence: BigInt(rows[0].fence), changedAt: rows[0].changed_at }
  })
}

async function moveSeized(key: string, { fence, changedAt }: Seized, { from, to }: Move): Promise<void> {
  const { work } = from.connections
  try {
    const stored = await readDocument(work, key, fence)
    if (stored === null) throw new LfError("LOG_DEPOSED", `another owner took ${key} over before it was copied`)
    await copy(key, { stored, changedAt, to })
  } catch (error) {
    await from.giveUp([{ doc: key, fence }]).catch(() => {}) // its lease ends with the command
    throw error
  }
  const { rowCount } = await work.query(LEAVE, [key, fence, to.id])
  if (rowCount !== 1) throw new LfError("LOG_DEPOSED", `another owner took ${key} over while it was copied`)
  await arrive(key, { from, to })
}

/** After `leave`. A second call changes nothing. */
export async function arrive(key: string, { from, to }: Move): Promise<void> {
  try {
    await to.begin()
    await to.connections.work.query(ARRIVE, [key])
    await remove(from, "moved_to is not null", key)
  } catch (error) {
    throw toStoreError(error, "a document was moved")
  }
}

/** A copy whose document was deleted before it moved. */
export async function removeArriving(key: string, shard: Shard): Promise<void> {
  try {
    await remove(shard, "is_arriving", key)
  } catch (error) {
    throw toStoreError(error, "a copy was removed")
  }
}

async function remove({ connections }: Shard, condition: string, key: string): Promise<void> {
  await inTransaction(connections.work, "begin", async (client) => {
    const { rows } = await client.query<{ number: string }>(
      `delete from lf.document where doc = $1 and ${condition} returning number`,
      [key],
    )
    for (const { number } of rows) await client.query("delete from lf.log where document = $1", [number])
  })
}

/** Durable, and compared with what it was made of, when it resolves. */
async function copy(
  key: string,
  { stored, changedAt, to }: { readonly stored: Recovered; readonly changedAt: Date; readonly to: Shard },
): Promise<void> {
  const { work } = to.connections
  const { rows } = await work.query<{ fence: string }>(PREPARE, [key, to.nodeId])
  if (rows.length === 0) throw new LfError("LOG_OWNED", `${key} is in two databases; export one of them and delete it`)
  const fence = BigInt(rows[0].fence)
  const { log } = await to.recover(key, { fence, bytes: 0, wasLetGo: false })
  try {
    const { checkpoint, records } = stored
    await log.rollup(checkpoint ?? { meta: new Uint8Array(0), pages: [] }, records)
    const written = await readDocument(work, key, fence)
    if (written === null || !isSame(written, stored)) throw new LfError("LOG_CORRUPT", `the copy of ${key} differs`)
    await work.query("update lf.document set changed_at = $2 where doc = $1 and fence = $3", [key, changedAt, fence])
  } finally {
    await log.close()
  }
}

function isSame(a: StoredLog, b: StoredLog): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0
}

function bytesOf({ checkpoint, records }: StoredLog): Uint8Array {
  const { meta, pages } = checkpoint ?? { meta: new Uint8Array(0), pages: [] }
  const sums = Buffer.from(`${pages.length} ${pagesChecksum(pages)} ${meta.length} `)
  return concatBytes([sums, meta, encodeRow("", 0, records)])
}
