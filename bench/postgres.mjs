// Appends of 100 documents of one node to PostgreSQL, fenced and grouped, against the same bytes inserted with `unnest` and
// nothing else, in statements of the same size over one connection; then what moving documents to a second database takes, and what
// idle documents cost. The server is local, with fsync.

import { randomBytes } from "node:crypto"
import pg from "pg"
import { postgresStore } from "../packages/postgres/dist/index.js"
import { startPostgres } from "../scripts/postgres.mjs"
import { interleaveAsync, median, row } from "./measure.mjs"

const DOCUMENTS = 100
const FLUSH_BYTES = 200

export async function run({ quick }) {
  const rounds = quick ? 2 : 7
  const appends = quick ? 2_000 : 20_000
  const server = await startPostgres()
  const { connectionString } = server
  const store = postgresStore({ connectionString })
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    await store.migrate()
    await client.query(
      "create table raw (doc text, position bigint, bytes bytea not null, primary key (doc, position))",
    )
    await client.query("alter table raw alter column bytes set storage external")
    const docs = Array.from({ length: DOCUMENTS }, (_, i) => `doc-${i}`)
    const logs = []
    for (const doc of docs) logs.push((await store.open(doc)).log)
    const raw = rawInserts(client, docs)
    const ours = () => perSecond(appends, (count) => Promise.all(logs.map((log) => appendMany(log, count))))
    const theirs = () => perSecond(appends, raw)
    await ours()
    await theirs()
    const figures = await interleaveAsync(rounds, ours, theirs)
    for (const log of logs) await log.close()
    return [
      row("postgres", `${DOCUMENTS} documents`, "appends/s", figures, "raw unnest inserts", ">= 0.8"),
      await moves({ connectionString, client, count: quick ? 200 : 3_000 }),
      ...(await idleDocuments({ store, client, count: quick ? 10_000 : 1_000_000 })),
    ]
  } finally {
    await store.close()
    await client.end()
    await server.stop()
  }
}

/** About half of so many small documents go to a second database of the same server. */
async function moves({ connectionString, client, count }) {
  for (const name of ["moved_from", "moved_to"]) await client.query(`create database ${name}`)
  const shards = ["moved_from", "moved_to"].map((name) => connectionString.replace(/[^/]+$/, name))
  const before = postgresStore({ connectionString: shards[0] })
  for (let i = 0; i < count; i++) {
    const { log } = await before.open(`doc-${i}`)
    await log.append([RECORD])
    await log.close()
  }
  await before.close()
  const store = postgresStore({ shards })
  const startedMs = performance.now()
  const { moved, left } = await store.rebalance()
  const ms = (performance.now() - startedMs) / moved
  await store.close()
  if (left.length > 0) throw new Error(`${left.length} documents did not move: ${left[0].error.message}`)
  return row(
    "postgres",
    `${count} documents, half moved`,
    "ms each",
    { value: ms, peerValue: 10, n: 1 },
    "a limit",
    "<= 1",
  )
}

/** Documents that nothing has open, each as one append left it: their bytes beside the append's, and the opening of one. */
async function idleDocuments({ store, client, count }) {
  const { log } = await store.open("idle-0")
  await log.append([RECORD])
  await log.close()
  const [before] = (await client.query(SIZES)).rows
  await client.query(COPIES, [count])
  await client.query("vacuum analyze lf.document, lf.log")
  const [after] = (await client.query(SIZES)).rows
  const bytes = (after.bytes - before.bytes) / count - ROW_BYTES
  const openMs = []
  for (let i = 0; i < OPENINGS; i++) {
    const startedMs = performance.now()
    const { log: opened } = await store.open("idle-0")
    openMs.push(performance.now() - startedMs)
    await opened.close()
  }
  const startedMs = performance.now()
  const { length } = await store.list()
  const listMs = performance.now() - startedMs
  if (length < count) throw new Error(`${length} documents are listed of ${count}`)
  const all = `${count.toLocaleString("en-US")} idle documents`
  const limit = (value, most, n = 1) => ({ value, peerValue: most, n })
  return [
    row("postgres", all, "bytes each", limit(bytes, 300), "a limit", "<= 1"),
    row("postgres", `${all}, one opened`, "ms", limit(median(openMs), 50, OPENINGS), "a limit", "<= 1"),
    row("postgres", `${all}, all listed`, "ms for 1,000", limit((listMs / length) * 1000, 10), "a limit", "<= 1"),
  ]
}

const OPENINGS = 21
const SIZES = "select (pg_total_relation_size('lf.document') + pg_total_relation_size('lf.log'))::float as bytes"
const COPIES = `
with copies as (
  insert into lf.document (doc, owner, fence, position, first_position, log_bytes)
  select 'main/idle-' || i, owner, fence, position, first_position, log_bytes
  from lf.document, generate_series(1, $1::integer) as i where doc = 'main/idle-0'
  returning number
)
insert into lf.log (document, position, bytes)
select copies.number, log.position, bytes
from copies, lf.log as log join lf.document as document on document.number = log.document where doc = 'main/idle-0'`

async function perSecond(appends, work) {
  const startedMs = performance.now()
  await work(appends / DOCUMENTS)
  return (appends / (performance.now() - startedMs)) * 1000
}

async function appendMany(log, count) {
  for (let i = 0; i < count; i++) await log.append([RECORD])
}

const RECORD = {
  stream: "storage",
  lsn: 1,
  type: "entry",
  payload: new Uint8Array(randomBytes(FLUSH_BYTES)),
  previousHash: 0n,
  hash: 0n,
}

/** A group has 40 bytes before its records, a record 21 and its stream's name. */
const ROW_BYTES = 40 + 21 + RECORD.stream.length + FLUSH_BYTES

function rawInserts(client, docs) {
  let position = 0
  const bytes = Buffer.concat(docs.map(() => randomBytes(ROW_BYTES)))
  const starts = docs.map((_, i) => 1 + i * ROW_BYTES)
  return async (count) => {
    for (let i = 0; i < count; i++) {
      position++
      await client.query({
        name: "raw",
        text: `insert into raw (doc, position, bytes)
               select doc, position, substring($3::bytea from start for ${ROW_BYTES})
               from unnest($1::text[], $2::bigint[], $4::integer[]) as given(doc, position, start)`,
        values: [docs, docs.map(() => position), bytes, starts],
      })
    }
  }
}
