// The smallest app with accounts: who wrote what. The demo has none, and signing in is worth a real browser.
import { defineMutation, defineMutator, sql } from "@lf/core"
import { z } from "zod"

export interface Note {
  readonly text: string
  readonly author: string | null
}

export const AddNote = defineMutation("AddNote", z.object({ text: z.string() }), (tx, { text }) => {
  tx.run(sql`insert into notes (text, author) values (${text}, ${tx.user})`)
})

// Nothing is unique here: what is applied twice is there twice.
export const mutator = defineMutator({
  migrations: [sql`create table notes (text text not null, author text) strict`],
  mutations: [AddNote],
})

export const allNotes = sql<Note>`select text, author from notes order by rowid`

export const endless = sql<{
  n: number
}>`with recursive c (n) as (select 1 union all select n + 1 from c) select max(n) as n from c`
