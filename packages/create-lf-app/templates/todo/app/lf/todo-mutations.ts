// What can be done to a list. The page, its worker and the server all run this file: the worker at once, the server
// again, with authority.
import { defineMutation, sql } from "@lf/core"
import { z } from "zod"

// Otherwise Zod tests whether eval is allowed, which a strict content security policy reports as a violation (S13).
z.config({ jitless: true })

const id = z.string().min(1).max(64)
const title = z.string().trim().min(1).max(200)

export const AddTodo = defineMutation("AddTodo", z.object({ id, title }), (tx, { id, title }) => {
  tx.run(sql`insert into todos (id, title, created_at) values (${id}, ${title}, ${tx.nowMs})`)
})

// `done` is the value that the user chose, not a toggle: two users who tick the same box agree.
export const ToggleTodo = defineMutation("ToggleTodo", z.object({ id, done: z.boolean() }), (tx, { id, done }) => {
  tx.run(sql`update todos set done = ${done} where id = ${id}`)
})

export const RenameTodo = defineMutation("RenameTodo", z.object({ id, title }), (tx, { id, title }) => {
  tx.run(sql`update todos set title = ${title} where id = ${id}`)
})

export const DeleteTodo = defineMutation("DeleteTodo", z.object({ id }), (tx, { id }) => {
  tx.run(sql`delete from todos where id = ${id}`)
})

export const todoMutations = [AddTodo, ToggleTodo, RenameTodo, DeleteTodo]

export const todoTables = sql`create table todos (
  id text primary key,
  title text not null,
  done integer not null default 0,
  created_at integer not null
) strict`
