// LiveStore with its adapter for Node, in memory and without a sync backend: events, and the table that they are materialized into.
import { makeAdapter } from "@livestore/adapter-node"
import { createStorePromise, Events, makeSchema, queryDb, Schema, State } from "@livestore/livestore"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"
import { rowOf } from "./tanstack.mjs"

const BATCH_ROWS = 1_000
const { integer, text } = State.SQLite
const todos = State.SQLite.table({
  name: "todos",
  columns: {
    id: text({ primaryKey: true }),
    list_id: integer(),
    title: text(),
    done: integer(),
    created_at: integer(),
  },
  indexes: [{ name: "todos_by_list", columns: ["list_id", "created_at"] }],
})
const row = Schema.Struct({
  id: Schema.String,
  list_id: Schema.Number,
  title: Schema.String,
  done: Schema.Number,
  created_at: Schema.Number,
})
const events = {
  todoAdded: Events.synced({ name: "v1.TodoAdded", schema: row }),
  todosAdded: Events.synced({ name: "v1.TodosAdded", schema: Schema.Struct({ json: Schema.String }) }),
}
const materializers = State.SQLite.materializers(events, {
  "v1.TodoAdded": (one) => todos.insert(one),
  // A statement for many rows: one each would take half a minute.
  "v1.TodosAdded": ({ json }) => ({
    sql: `insert into todos select value ->> 'id', value ->> 'list_id', value ->> 'title', value ->> 'done', value ->> 'created_at' from json_each(?)`,
    bindValues: [json],
    writeTables: new Set(["todos"]),
  }),
})
const schema = makeSchema({ events, state: State.SQLite.makeState({ tables: { todos }, materializers }) })

export async function openLiveStore(rows) {
  const adapter = makeAdapter({ storage: { type: "in-memory" } })
  const store = await createStorePromise({ adapter, schema, storeId: `todos-${rows}`, disableDevtools: true })
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const batch = Array.from({ length: Math.min(BATCH_ROWS, rows - from) }, (_, i) => rowOf(todo(from + i)))
    store.commit(events.todosAdded({ json: JSON.stringify(batch) }))
    // What it does with an event after the commit takes turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve))
  }
  const view = shown()
  const newest = queryDb(todos.where({ list_id: LIST }).orderBy("created_at", "desc").limit(SHOWN_MAX))
  const stop = store.subscribe(newest, (now) => view.deliver(now, now[0]?.id))
  return {
    add: (todo) => view.measure(todo.id, () => store.commit(events.todoAdded(rowOf(todo)))),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      stop()
      await store.shutdownPromise()
    },
  }
}
