// The app whose hooks are tried: a table of what was put where by whom.
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { z } from "zod"

/** A call's own name, and the document and user of the render whose callback was called (H2). */
const put = z.object({ id: z.string(), doc: z.string(), user: z.string().nullable(), fate: z.string() })

export type PutArgs = z.infer<typeof put>
/** `refused`: the server says no. `no`: this device does. `throws`: so does a bug. */
export const fates = ["kept", "kept", "kept", "refused", "no", "throws"] as const

export const Put = defineMutation("Put", put, (tx, { id, doc, user, fate }) => {
  if (fate === "no") throw new Reject("not-here")
  if (fate === "throws") throw new TypeError("a bug")
  if (fate === "refused" && tx.side === "remote") throw new Reject("not-welcome", { id })
  tx.run(sql`insert into items (id, doc, user, author) values (${id}, ${doc}, ${user}, ${tx.user})`)
})

export const mutator = defineMutator({
  migrations: [
    sql`create table items (n integer primary key, id text not null, doc text not null, user text, author text) strict`,
  ],
  mutations: [Put],
})

export interface Item {
  readonly n: number
  readonly id: string
}

export interface Stored extends Item {
  readonly doc: string
  readonly user: string | null
  readonly author: string | null
}

/** What a component may show. Some depend on a parameter, one is wrong. */
export const queries = {
  all: () => sql<Item>`select n, id from items order by n`,
  above: (min: number) => sql<Item>`select n, id from items where n > ${min} order by n desc limit 5`,
  count: () => sql<Item>`select count(*) as n, 'count' as id from items`,
  wrong: () => sql<Item>`select nothing from items`,
  clock: () => sql<Item>`select 0 as n, strftime('%s', 'now') as id`,
} as const

export type QueryName = keyof typeof queries
export const everything = sql<Stored>`select * from items order by n`
