// Rows that are bound to inputs, and nothing else.
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { z } from "zod"

export interface Item {
  readonly id: number
  readonly title: string
  readonly done: 0 | 1
  readonly color: string
}

const id = z.number().int()

export const AddItems = defineMutation("AddItems", z.object({ count: z.number(), title: z.string() }), (tx, args) => {
  tx.run(sql`with recursive ids (id) as (values (1) union all select id + 1 from ids where id < ${args.count})
    insert into items (id, title) select id, ${args.title} from ids`)
})

export const RenameItem = defineMutation("RenameItem", z.object({ id, title: z.string() }), (tx, { id, title }) => {
  if (tx.side === "remote" && title.includes("bad")) throw new Reject("bad-title")
  tx.run(sql`update items set title = ${title} where id = ${id}`)
})

export const TickItem = defineMutation("TickItem", z.object({ id, done: z.boolean() }), (tx, { id, done }) => {
  tx.run(sql`update items set done = ${done} where id = ${id}`)
})

export const PaintItem = defineMutation("PaintItem", z.object({ id, color: z.string() }), (tx, { id, color }) => {
  tx.run(sql`update items set color = ${color} where id = ${id}`)
})

export const itemsOfAll = sql<Item & { _doc: string }>`select _doc, id, title from items order by title`
export const mutator = defineMutator({
  migrations: [
    sql`create table items (
      id integer primary key,
      title text not null,
      done integer not null default 0,
      color text not null default 'red'
    ) strict`,
  ],
  mutations: [AddItems, RenameItem, TickItem, PaintItem],
})

export const allItems = sql<Item>`select id, title, done, color from items order by id`
