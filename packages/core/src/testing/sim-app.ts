import type { StandardSchemaV1 } from "@standard-schema/spec"
import { sql } from "../sqlite/sql.ts"
import { defineMutation, defineMutator, type Mutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import type { Tx } from "../timeline/tx.ts"
import type { SeededRandom } from "./seeded-random.ts"

/** What every mutation of the simulated app is given; each uses what it needs. */
export interface SimArgs {
  /** Of the mutation itself, for the audit table: what ran how often. */
  readonly uid: string
  readonly id: string
  readonly text: string
  readonly n: number
}

/**
 * What must become of a mutation. always: applied, whatever the document holds. never: the server rejects it. either:
 * the document decides.
 */
export type Fate = "always" | "never" | "either"

const Args: StandardSchemaV1<SimArgs> = {
  "~standard": { version: 1, vendor: "lf", validate: (value) => ({ value: value as SimArgs }) },
}

function define(name: string, fn: (tx: Tx, args: SimArgs) => void) {
  return defineMutation(name, Args, (tx, args) => {
    tx.run(sql`insert into audit (uid, n) values (${args.uid}, 1) on conflict (uid) do update set n = n + 1`)
    fn(tx, args)
  })
}

const mutations = [
  define("Add", (tx, { id, text, n }) => {
    tx.run(
      sql`insert into todos (id, title, place, at) values (${id}, ${text}, ${n}, ${tx.nowMs}) on conflict do nothing`,
    )
  }),
  define("Toggle", (tx, { id }) => {
    tx.run(sql`update todos set done = 1 - done where id = ${id}`)
  }),
  define("Rename", (tx, { id, text }) => {
    tx.run(sql`update todos set title = ${text} where id = ${id}`)
  }),
  define("Delete", (tx, { id }) => {
    tx.run(sql`delete from todos where id = ${id}`)
  }),
  define("Move", (tx, { id, n }) => {
    tx.run(sql`update todos set place = ${n} + abs(random() % 7) where id = ${id}`)
  }),
  define("Fill", (tx, { id, n }) => {
    tx.run(sql`insert into files (id, bytes) values (${id}, randomblob(${500 + n * 40})) on conflict do nothing`)
  }),
  define("Empty", (tx) => {
    tx.run(sql`delete from files where rowid in (select rowid from files order by id limit 2)`)
  }),
  // The document decides, and may decide otherwise each time it runs.
  define("StrictRename", (tx, { id, text }) => {
    if (tx.run(sql`update todos set title = ${text} where id = ${id}`).changes === 0) throw new Reject("gone", { id })
  }),
  define("Note", (tx, { id, text }) => {
    tx.run(sql`insert into notes (todo, body) values (${id}, ${text})`)
  }),
  // The server never takes these.
  define("Refused", (tx, { id }) => {
    tx.run(sql`delete from todos where id <> ${id}`)
    if (tx.side === "remote") throw new Reject("refused", { id })
  }),
  define("Throws", (tx, { n }) => {
    tx.run(sql`update todos set place = ${n}`)
    if (tx.side === "remote") throw new Error("it throws")
  }),
  define("RollsBack", (tx, { id, text }) => {
    tx.run(sql`insert into todos (id, title, place, at) values (${`r${id}`}, ${text}, 0, 0)`)
    if (tx.side === "local") return
    tx.run(sql`insert or rollback into todos (id, title, place, at) values (${`r${id}`}, ${text}, 0, 0)`)
  }),
  define("Forbidden", (tx, { id }) => {
    tx.run(sql`delete from todos where id = ${id}`)
  }),
  // Each check of the permission draws its own answer.
  define("Moody", (tx, { id }) => {
    tx.run(sql`update todos set place = place + 1 where id = ${id}`)
  }),
  define("Kills", (tx) => {
    if (tx.side === "remote") doom.isSealed = true
  }),
]

/** The process that runs a killing mutation dies in it (T12); its machine reads this and kills it. */
export const doom = { isSealed: false }

const fates: Readonly<Record<string, Fate>> = {
  StrictRename: "either",
  Note: "either",
  Refused: "never",
  Throws: "never",
  RollsBack: "never",
  Forbidden: "never",
  Moody: "either",
  Kills: "never",
}

/** The rejection of a mutation of this name, besides those of any: code, and whether its id is the data. */
const refusals: Readonly<Record<string, readonly [code: string, carriesId: boolean]>> = {
  StrictRename: ["gone", true],
  Note: ["SQL_ERROR", false],
  Refused: ["refused", true],
  Throws: ["MUTATION_THREW", false],
  RollsBack: ["SQL_ERROR", false],
  Forbidden: ["MUTATION_FORBIDDEN", false],
  Moody: ["MUTATION_FORBIDDEN", false],
}
/** A guard that stops it, a process that it ends, code that does not know it yet. */
const REFUSALS_OF_ANY: ReadonlySet<string> = new Set(["SQL_LIMIT", "MUTATION_QUARANTINED"])

/** Whether this is how a mutation of this name may be rejected: code and data whole. Undefined data: they went elsewhere. */
export function isRefusalOf(name: string, { id }: SimArgs, code: string, data: unknown): boolean {
  if (REFUSALS_OF_ANY.has(code)) return data === null || data === undefined
  const known = refusals[name]
  if (known === undefined || known[0] !== code) return false
  return data === undefined || JSON.stringify(data) === JSON.stringify(known[1] ? { id } : null)
}

export function fateOf(name: string): Fate {
  return fates[name] ?? "always"
}

/** What `authorize` says of a mutation. */
export function mayWrite(name: string, random: SeededRandom): boolean {
  return name !== "Forbidden" && (name !== "Moody" || random.chance(0.5))
}

const migrations = [
  sql`create table todos (id text primary key, title text not null, place integer not null, at integer not null,
    done integer not null default 0) strict`,
  sql`create table audit (uid text primary key, n integer not null) strict`,
  sql`create table files (id text primary key, bytes blob not null) strict`,
  sql`create table notes (todo text not null references todos (id) on delete cascade deferrable initially deferred,
    body text not null) strict`,
  sql`create index todos_by_place on todos (place)`,
]

/** The app as it was released, version after version: each has one migration more. */
export const releases: readonly Mutator[] = [4, 5].map((count) =>
  defineMutator({ migrations: migrations.slice(0, count), mutations }),
)

const weights = {
  Add: 10,
  Toggle: 5,
  Rename: 4,
  Delete: 2,
  Move: 3,
  Fill: 1,
  Empty: 1,
  StrictRename: 2,
  Note: 2,
  Refused: 1,
  Throws: 1,
  RollsBack: 1,
  Forbidden: 0.5,
}

/** What the world does to the weights: how often a mutation kills the server, or asks for a right that comes and goes. */
export interface Temper {
  readonly poison: number
  readonly moods: number
}

/** Something that a user does. Few ids, so that users meet. */
export function randomMutation(
  random: SeededRandom,
  { poison, moods }: Temper,
): { readonly name: string; readonly args: SimArgs } {
  const name = random.weigh({ ...weights, Kills: poison, Moody: moods })
  const args = {
    uid: random.uuid(),
    id: `t${random.below(24)}`,
    text: "x".repeat(random.below(60)),
    n: random.below(50),
  }
  return { name, args }
}

/** Everything that a reader sees, in one text. */
export const dumpQueries = [
  sql<{ row: string }>`select json_array(id, title, place, at, done) as row from todos order by id`,
  sql<{ row: string }>`select json_array(uid, n) as row from audit order by uid`,
  sql<{ row: string }>`select json_array(id, hex(bytes)) as row from files order by id`,
  sql<{ row: string }>`select json_array(todo, body) as row from notes order by rowid`,
]

/** What tabs keep on the screen: scans, ranges, joins, aggregates, blobs. */
export const watchedQueries = [
  sql`select id, title, done from todos order by place, id limit 5`,
  sql`select count(*) as n, sum(done) as done from todos`,
  sql`select * from todos where id = 't3'`,
  sql`select id from todos where place between 10 and 20 order by place, id`,
  sql`select t.id, count(f.id) as files from todos t left join files f on f.id = t.id group by t.id order by t.id`,
  sql`select id, length(bytes) as size, substr(bytes, 1, 4) as head from files order by id`,
  sql`select count(*) as n, sum(n) as runs from audit`,
  sql`select max(rowid) as last from audit`,
  // Only the newer release has this table.
  sql`select n.body, t.title from notes n join todos t on t.id = n.todo order by n.rowid`,
]

/** What ran, and how often, in the order in which it first did. */
export const auditQuery = sql<{ uid: string; n: number }>`select uid, n from audit order by rowid`

/** One of ours: a hostile client's mutations have other names, and come as often as it likes. */
export function isMade(uid: string): boolean {
  return /^[0-9a-f]{8}-/.test(uid)
}
