// The page, its worker and the server all run this file: the worker at once, the server again, with authority.
import { defineMutation, defineMutator, sql } from "@lf/core"
import { z } from "zod"

// Otherwise Zod tests whether eval is allowed, which a strict content security policy reports as a violation.
z.config({ jitless: true })

const args = z.object({ id: z.string().min(1).max(64), text: z.string().trim().min(1).max(200) })

export const AddNote = defineMutation("AddNote", args, (tx, { id, text }) => {
  tx.run(sql`insert into notes (id, text, created_at) values (${id}, ${text}, ${tx.nowMs})`)
})

export const mutator = defineMutator({
  // Each runs once per document, in this order. Never edit one that has run; append the next.
  migrations: [sql`create table notes (id text primary key, text text not null, created_at integer not null) strict`],
  mutations: [AddNote],
})
