// TanStack DB: a local-only collection with indexes on both columns, and a live query that is ordered and limited.
import { BasicIndex, createCollection, createLiveQueryCollection, eq, localOnlyCollectionOptions } from "@tanstack/db"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"

export const rowOf = ({ id, list, title, at }) => ({ id, list_id: list, title, done: 0, created_at: at })

export async function openTanStack(rows) {
  const todos = createCollection(
    localOnlyCollectionOptions({
      id: `todos-${rows}`,
      getKey: ({ id }) => id,
      initialData: Array.from({ length: rows }, (_, i) => rowOf(todo(i))),
      defaultIndexType: BasicIndex,
      autoIndex: "eager",
    }),
  )
  await todos.preload()
  todos.createIndex((row) => row.list_id)
  todos.createIndex((row) => row.created_at)
  const newest = createLiveQueryCollection({
    startSync: true,
    query: (q) =>
      q
        .from({ one: todos })
        .where(({ one }) => eq(one.list_id, LIST))
        .orderBy(({ one }) => one.created_at, "desc")
        .limit(SHOWN_MAX),
  })
  await newest.preload()
  const view = shown()
  const deliver = () => {
    const now = newest.toArray
    view.deliver(now, now[0]?.id)
  }
  const subscription = newest.subscribeChanges(deliver, { includeInitialState: true })
  deliver()
  return {
    add: (todo) => view.measure(todo.id, () => void todos.insert(rowOf(todo))),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      subscription.unsubscribe()
      await newest.cleanup()
      await todos.cleanup()
    },
  }
}
