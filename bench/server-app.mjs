// The app of the benchmarks with a server: the todo workload, and mutations that make a document large.
import { defineMutation, defineMutator, sql } from "@lf/core"
import { AddTodo, DeleteTodo, MoveTodo, RenameTodo, SCHEMA, ToggleTodo, todo } from "./todos.mjs"

const anything = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } }

/** Rows `from` to `from + count - 1` of the workload. */
export const SeedTodos = defineMutation("SeedTodos", anything, (tx, { from, count }) => {
  for (let i = from; i < from + count; i++) {
    const { id, list, title, at } = todo(i)
    tx.run(sql`insert into todos values (${id}, ${list}, ${title}, 0, ${at})`)
  }
})
/** The same rows with so many random characters each for a title. */
export const SeedLongTodos = defineMutation("SeedLongTodos", anything, (tx, { from, count, titleBytes }) => {
  for (let i = from; i < from + count; i++) {
    const { id, list, at } = todo(i)
    tx.run(sql`insert into todos values (${id}, ${list}, hex(randomblob(${titleBytes / 2})), 0, ${at})`)
  }
})
/** Writes a row of so many random bytes again: noise, so that neither side can make it small. */
export const WriteNoise = defineMutation("WriteNoise", anything, (tx, { id, bytes }) => {
  tx.run(sql`insert or replace into todos values (${id}, -1, hex(randomblob(${bytes / 2})), 0, 0)`)
})

export const mutator = defineMutator({
  migrations: SCHEMA.map((text) => ({ sql: text, parameters: [] })),
  mutations: [AddTodo, ToggleTodo, RenameTodo, MoveTodo, DeleteTodo, SeedTodos, SeedLongTodos, WriteNoise],
})

/** Small enough for the time that a group of mutations has. */
export const SEED_ROWS = 5_000
export const SEED_LONG_ROWS = 1_000
