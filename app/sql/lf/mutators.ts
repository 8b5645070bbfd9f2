// The document of /sql: its tables, how the server fills them, and the edits that a browser may make.
import { defineMutation, defineMutator, sql } from "@lf/core"
import * as z from "zod/mini"

// As in app/lf/mutators.ts (S13).
z.config({ jitless: true })

/** The one document of /sql, which all browsers share. */
export const rowsId = "hundred-thousand-rows"
export const rowCount = 100_000
export const peopleCount = 200
const prioritiesMax = 5

const verbs = ["Paint", "Move", "Count", "Repair", "Measure", "Polish", "Ship", "Label", "Weigh", "Sort", "Store"]
const kinds = ["old", "red", "round", "heavy", "spare", "wooden", "copper", "silent", "small", "second", "folding"]
const things = ["lamp", "anchor", "kettle", "ladder", "mirror", "barrel", "clock", "globe", "sail", "bell", "compass"]
const places = ["harbour", "attic", "cellar", "workshop", "garden", "tower", "bridge"]
const names = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jon", "Kira", "Liv", "Max"]
const teams = ["harbour", "attic", "workshop", "tower"]
const statuses = ["open", "doing", "waiting", "done", "done", "done", "dropped"]

/** The word of a list that belongs to the number `at`, in SQL. */
const pick = (words: readonly string[], at: string) =>
  `json_extract('${JSON.stringify(words)}', '$[' || (${at}) || ']')`

/** Any whole number stands for one title of a few thousand. In SQL, so that one statement names thousands of rows. */
const titleOf = (n: string) =>
  [
    pick(verbs, `${n} % ${verbs.length}`),
    "' the '",
    pick(kinds, `${n} / 11 % ${kinds.length}`),
    "' '",
    pick(things, `${n} / 121 % ${things.length}`),
    "' of the '",
    pick(places, `${n} / 1331 % ${places.length}`),
  ].join(" || ")

/** Numbers that look random, and are the same at every run. */
const mixed = "(n * 2654435761 >> 7) % 1000003"

const fillTasks = `
  with recursive numbers (n) as (select ? union all select n + 1 from numbers where n < ?),
    mixed (n, m) as (select n, ${mixed} from numbers)
  insert into tasks (id, title, status, priority, person, created_at)
  select n, ${titleOf("m")}, ${pick(statuses, `m / 7 % ${statuses.length}`)}, 1 + m / 3 % ${prioritiesMax},
    1 + m % ${peopleCount}, 1700000000000 + n * 60000 + m
  from mixed`

const fillPeople = `
  with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${peopleCount})
  insert into people (id, name, team)
  select n, ${pick(names, `n % ${names.length}`)} || ' ' || n, ${pick(teams, `n % ${teams.length}`)} from numbers`

/** Only the server may: `authorize` in lf.server.ts. */
export const FillRows = defineMutation(
  "FillRows",
  z.object({ from: z.int().check(z.minimum(1)), to: z.int().check(z.maximum(rowCount)) }),
  (tx, { from, to }) => {
    if (from === 1) tx.run({ sql: fillPeople, parameters: [] })
    tx.run({ sql: fillTasks, parameters: [from, to] })
  },
)

const id = z.int().check(z.minimum(1), z.maximum(rowCount))

// No edit adds a row, and none carries a text: strangers share the document, and it stays as large as it is.

// The next priority, and after the last the first: each edit changes something.
export const ReprioritizeOne = defineMutation("ReprioritizeOne", z.object({ id }), (tx, args) => {
  tx.run(sql`update tasks set priority = 1 + priority % ${prioritiesMax} where id = ${args.id}`)
})

export const RenameOne = defineMutation(
  "RenameOne",
  z.object({ id, title: z.int().check(z.minimum(0), z.maximum(999_999)) }),
  (tx, args) => {
    tx.run({ sql: `update tasks set title = ${titleOf("?1")} where id = ?2`, parameters: [args.title, args.id] })
  },
)

export const rowsMutator = defineMutator({
  migrations: [
    sql`create table people (id integer primary key, name text not null, team text not null) strict`,
    sql`create table tasks (
      id integer primary key,
      title text not null,
      status text not null,
      priority integer not null,
      person integer not null references people (id),
      created_at integer not null
    ) strict`,
    sql`create index tasks_by_status on tasks (status)`,
    sql`create index tasks_by_priority on tasks (priority, id)`,
    sql`create index tasks_by_person on tasks (person, priority)`,
  ],
  mutations: [FillRows, ReprioritizeOne, RenameOne],
})
