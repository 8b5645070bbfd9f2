// What can happen to a list. Components, the browser's worker and the server all import this one file.
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import * as z from "zod/mini"

// Else Zod tries whether it may eval, which a strict content security policy reports as a violation (S13).
z.config({ jitless: true })

export const titleLengthMax = 200
export const nameLengthMax = 80

/** Spaces, and characters that have no width of their own. */
const invisible = /^[\s\p{Default_Ignorable_Code_Point}]*$/u

/** Without the spaces around it; empty where nothing of it can be seen. */
export function trimmed(text: string): string {
  return invisible.test(text) ? "" : text.trim()
}

const id = z.string().check(z.minLength(1), z.maxLength(64))
const title = z.string().check(z.overwrite(trimmed), z.minLength(1), z.maxLength(titleLengthMax))

/** A row of the table, as SQLite's STRICT columns give it. */
export interface Todo {
  readonly id: string
  readonly title: string
  readonly done: 0 | 1
  readonly created_at: number
}

export const AddTodo = defineMutation("AddTodo", z.object({ id, title }), (tx, args) => {
  // Only the server rejects this title: it shows how an optimistic change is undone, and the tests use it.
  if (tx.side === "remote" && args.title === "reject me") throw new Reject("not-welcome")
  tx.run(sql`insert into todos (id, title, created_at) values (${args.id}, ${args.title}, ${tx.nowMs})`)
})

// `done` is what the user saw and wanted, not "the other one": two people who tick the same box agree.
export const ToggleTodo = defineMutation("ToggleTodo", z.object({ id, done: z.boolean() }), (tx, args) => {
  tx.run(sql`update todos set done = ${args.done} where id = ${args.id}`)
})

export const RenameTodo = defineMutation("RenameTodo", z.object({ id, title }), (tx, args) => {
  tx.run(sql`update todos set title = ${args.title} where id = ${args.id}`)
})

export const DeleteTodo = defineMutation("DeleteTodo", z.object({ id }), (tx, args) => {
  tx.run(sql`delete from todos where id = ${args.id}`)
})

export const ToggleAll = defineMutation("ToggleAll", z.object({ done: z.boolean() }), (tx, args) => {
  tx.run(sql`update todos set done = ${args.done} where done <> ${args.done}`)
})

export const ClearCompleted = defineMutation("ClearCompleted", z.object({}), (tx) => {
  tx.run(sql`delete from todos where done = 1`)
})

export const RenameList = defineMutation(
  "RenameList",
  z.object({ name: z.string().check(z.overwrite(trimmed), z.maxLength(nameLengthMax)) }),
  (tx, args) => {
    if (tx.side === "remote" && args.name === "reject me") throw new Reject("not-welcome")
    tx.run(sql`insert into list (id, name) values (1, ${args.name}) on conflict (id) do update set name = ${args.name}`)
  },
)

export const mutator = defineMutator({
  migrations: [
    sql`create table todos (
      id text primary key,
      title text not null,
      done integer not null default 0 check (done in (0, 1)),
      created_at integer not null
    ) strict`,
    sql`create index todos_by_created on todos (created_at, id)`,
    sql`create table list (id integer primary key check (id = 1), name text not null) strict`,
  ],
  mutations: [AddTodo, ToggleTodo, RenameTodo, DeleteTodo, ToggleAll, ClearCompleted, RenameList],
})
