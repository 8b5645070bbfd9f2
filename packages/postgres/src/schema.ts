import { LfError } from "@lf/core"
import type pg from "pg"
import { inTransaction } from "./connection.ts"
import { toStoreError } from "./store-error.ts"

export const STORE_VERSION = 4

/** Any number that no other program locks: "lf" and the year. */
const MIGRATION_LOCK = 0x6c66_2026

/** The driver waits no longer; the database has no limit then. */
const MIGRATION_MS_MAX = 24 * 60 * 60 * 1_000

const TABLE_LOCK_MS_MAX = 30_000

/** Each raises the version by one. One that was released is never edited. */
const MIGRATIONS: readonly string[] = [
  `
  -- Numbers that are given once: fences, and checkpoints. A document that is deleted and made again gets others.
  create sequence lf.number;

  create table lf.node (
    id text primary key,
    lease_until timestamptz not null
  );

  -- One row for each document, changed by each append. No index covers what changes, and half of each page is free, so
  -- that the new version of a row goes beside the old one (a HOT update) and vacuum has nothing to do.
  create table lf.document (
    doc text primary key,
    owner text,
    fence bigint not null,
    -- The last row of the log, 0 for none, and the first one that must be there.
    position bigint not null default 0,
    first_position bigint not null default 1,
    log_bytes bigint not null default 0,
    changed_at timestamptz not null default clock_timestamp(),
    checkpoint bigint,
    meta bytea,
    page_count bigint not null default 0,
    pages_checksum bigint not null default 0
  ) with (fillfactor = 50);

  -- One row for each flush: an append group as on disk. Hardly ever compressed: pages come as deflated deltas.
  create table lf.log (
    doc text not null,
    position bigint not null,
    bytes bytea not null,
    primary key (doc, position)
  );
  alter table lf.log alter column bytes set storage external;

  create table lf.checkpoint_part (
    doc text not null references lf.document on delete cascade,
    checkpoint bigint not null,
    part integer not null,
    bytes bytea not null,
    primary key (doc, checkpoint, part)
  );
  alter table lf.checkpoint_part alter column bytes set storage external;
  `,
  `
  -- Frames between nodes, each deleted when it is taken. What is lost with the database is lost like a frame on a socket.
  create unlogged table lf.mail (
    recipient text not null,
    sender text not null,
    number bigint not null,
    link text not null,
    kind smallint not null,
    body bytea not null,
    primary key (recipient, sender, number)
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
  alter table lf.mail alter column body set storage external;

  -- Any role may listen to a channel and write to it, if it knows the name. A node's channel has its random id; this one
  -- is for the channel of all.
  alter table lf.store add column secret text not null default gen_random_uuid()::text;
  `,
  `
  -- The databases over which documents are spread, by their ids; none: this one has all. Not settled: some may be at others
  -- than their home.
  alter table lf.store
    add column id text not null default gen_random_uuid()::text,
    add column placement_version bigint not null default 0,
    add column shards text[] not null default '{}',
    add column is_settled boolean not null default true;

  -- A document moves to another database in steps: there it arrives, here it has moved, there it is.
  alter table lf.document
    add column is_arriving boolean not null default false,
    add column moved_to text;

  -- The databases that a node knows, whether it serves others, and how many of its documents were moved away.
  alter table lf.node
    add column stores text[] not null default '{}',
    add column is_serving boolean not null default true,
    add column seized bigint not null default 0;
  `,
  `
  -- Null with the rest of the checkpoint where there is none.
  alter table lf.document
    alter column page_count drop not null, alter column page_count drop default,
    alter column pages_checksum drop not null, alter column pages_checksum drop default;
  update lf.document set page_count = null, pages_checksum = null where checkpoint is null;

  -- The rows of a log are found by their document's number, which is shorter than its id in each row and twice in each index. A
  -- document that is deleted and made again has another number. The column keeps its place, and the table the rights that
  -- roles have on it.
  alter table lf.document add column number bigint not null default nextval('lf.number');
  delete from lf.log as log where not exists (select from lf.document as document where document.doc = log.doc);
  create function lf.number_of(text) returns bigint stable language sql as 'select number from lf.document where doc = $1';
  alter table lf.log alter column doc type bigint using lf.number_of(doc);
  alter table lf.log rename column doc to document;
  drop function lf.number_of(text);

  -- Not settled: the databases that may have documents still, which may be more than \`shards\`.
  alter table lf.store add column sources text[] not null default '{}';

  -- Idle documents need no free space beside them. Those that change leave a page that is full until the others on it have
  -- room for their next versions; from then on every update is HOT there too.
  alter table lf.document set (fillfactor = 90);
  `,
]

export interface MigratedStore {
  /** 0 for a new store. */
  readonly from: number
  readonly to: number
}

/** Makes or updates the tables in the schema `lf`; `to`: for tests. Several processes may call it at once. @throws LOG_FORMAT_NEWER, LOG_FAILED */
export async function migrateStore(pool: pg.Pool, to = STORE_VERSION): Promise<MigratedStore> {
  try {
    return await inTransaction(pool, "begin", async (client) => {
      // Another migration takes as long as it takes; a session that has locked a table may never let go of it.
      await client.query("set local statement_timeout = 0; set local lock_timeout = 0")
      await client.query(long("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]))
      await client.query(`set local lock_timeout = ${TABLE_LOCK_MS_MAX}`)
      // Asked for first: a role that may use the schema needs no right to create one.
      const from = (await readVersion(client)) ?? (await createStore(client))
      refuseNewer(from)
      for (const statements of MIGRATIONS.slice(from, to)) await client.query(long(statements))
      if (from < to) await client.query("update lf.store set version = $1", [to])
      return { from, to }
    })
  } catch (error) {
    throw toStoreError(error, "the store was migrated")
  }
}

/** What takes a minute for each ten million rows of logs, or waits for another process that does it. */
function long(text: string, values?: unknown[]): pg.QueryConfig {
  const config: pg.QueryConfig & { query_timeout: number } = { text, query_timeout: MIGRATION_MS_MAX }
  return values === undefined ? config : { ...config, values }
}

/** @throws LOG_FORMAT_NEWER LOG_FORMAT_OLDER, and LOG_FAILED when the store is missing */
export async function checkStore(pool: pg.Pool): Promise<void> {
  try {
    const version = await readVersion(pool)
    if (version === undefined)
      throw new LfError("LOG_FAILED", "the database has no store of lf; run: npx lf migrate-store")
    refuseNewer(version)
    if (version < STORE_VERSION)
      throw new LfError(
        "LOG_FORMAT_OLDER",
        `the store has version ${version}, this code needs ${STORE_VERSION}; run: npx lf migrate-store`,
      )
  } catch (error) {
    throw toStoreError(error, "the store's version was read")
  }
}

// Not to_regclass: it may answer from what this session remembers, until it locks a table.
const FIND_STORE = `
select exists (
  select from pg_class join pg_namespace on pg_namespace.oid = relnamespace where nspname = 'lf' and relname = 'store'
) as found`

/** Undefined: the database has no store. */
export async function readVersion(client: pg.Pool | pg.ClientBase): Promise<number | undefined> {
  const { rows } = await client.query<{ found: boolean }>(FIND_STORE)
  if (!rows[0].found) return undefined
  const stored = await client.query<{ version?: unknown }>("select * from lf.store")
  const version = stored.rows.at(0)?.version
  if (stored.rows.length === 1 && typeof version === "number") return version
  throw new LfError(
    "LOG_CORRUPT",
    `expected one row with a version in lf.store, got ${stored.rows.length === 1 ? "no version" : `${stored.rows.length} rows`}: the table is not lf's, or damaged; restore it, or use a database without a schema lf`,
  )
}

async function createStore(client: pg.ClientBase): Promise<number> {
  // A role that has the schema already needs no right to make one.
  const { rows } = await client.query("select from pg_namespace where nspname = 'lf'")
  if (rows.length === 0) await client.query("create schema lf")
  await client.query("create table lf.store (version integer not null)")
  // It has one row and no key: where all tables are published, its updates would be refused.
  await client.query("alter table lf.store replica identity full")
  await client.query("insert into lf.store values (0)")
  return 0
}

function refuseNewer(version: number): void {
  if (version > STORE_VERSION)
    throw new LfError("LOG_FORMAT_NEWER", `the store has version ${version}, this code knows ${STORE_VERSION}`)
}
