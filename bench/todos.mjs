// The todo workload of every benchmark: 1,000 lists, an index by list and time, time-ordered ids.
import { defineMutation, defineMutator, sql } from "@lf/core"
import { Database } from "../packages/core/dist/sqlite/database.js"
import { Storage } from "../packages/core/dist/storage/storage.js"
import { migrate } from "../packages/core/dist/timeline/schema.js"
import { loadSqlite } from "../packages/next/dist/node/load-sqlite.js"

export const LISTS = 1_000
export const SCHEMA = [
  "create table todos (id text primary key, list_id integer not null, title text not null, done integer not null default 0, created_at integer not null) strict",
  "create index todos_by_list on todos (list_id, created_at)",
]

/** Any arguments: the workload is ours. */
const anything = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } }

export const AddTodo = defineMutation("AddTodo", anything, (tx, { id, list, title, at }) => {
  tx.run(sql`insert into todos values (${id}, ${list}, ${title}, 0, ${at})`)
})
export const ToggleTodo = defineMutation("ToggleTodo", anything, (tx, { id }) => {
  tx.run(sql`update todos set done = 1 - done where id = ${id}`)
})
export const RenameTodo = defineMutation("RenameTodo", anything, (tx, { id, title }) => {
  tx.run(sql`update todos set title = ${title} where id = ${id}`)
})
export const MoveTodo = defineMutation("MoveTodo", anything, (tx, { id, list }) => {
  tx.run(sql`update todos set list_id = ${list} where id = ${id}`)
})
export const DeleteTodo = defineMutation("DeleteTodo", anything, (tx, { id }) => {
  tx.run(sql`delete from todos where id = ${id}`)
})

export const mutator = defineMutator({
  migrations: SCHEMA.map((text) => ({ sql: text, parameters: [] })),
  mutations: [AddTodo, ToggleTodo, RenameTodo, MoveTodo, DeleteTodo],
})

/** Time-ordered, like a UUIDv7: the same at every run. */
export function todoId(i) {
  const hex = (1_700_000_000_000 + i * 1000).toString(16).padStart(12, "0")
  const tail = ((i * 2_654_435_761) >>> 0).toString(16).padStart(8, "0")
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${tail}${tail.slice(0, 4)}`
}

export function todo(i) {
  return { id: todoId(i), list: (i * 7919) % LISTS, title: `todo number ${i}`, at: 1_700_000_000_000 + i * 1000 }
}

/** A small deterministic generator: the same workload on every machine. */
export function random(seed) {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
}

/** A committed database with `rows` todos. */
export async function seeded(rows) {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  migrate(db, mutator)
  db.exec("begin")
  for (let i = 0; i < rows; i++) {
    const { id, list, title, at } = todo(i)
    db.exec("insert into todos values (?, ?, ?, 0, ?)", id, list, title, at)
  }
  db.exec("commit")
  storage.commit()
  storage.takeChanges()
  return { storage, db }
}
