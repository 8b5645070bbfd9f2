// Zero without its server: the client keeps its rows in memory, and its mutations stay pending.
import { createBuilder, createSchema, defineMutator, defineMutators, number, string, table, Zero } from "@rocicorp/zero"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"
import { rowOf } from "./tanstack.mjs"

const BATCH_ROWS = 1_000
const columns = { id: string(), list_id: number(), title: string(), done: number(), created_at: number() }
const schema = createSchema({ tables: [table("todos").columns(columns).primaryKey("id")] })
const mutators = defineMutators({
  addTodo: defineMutator(({ tx, args: row }) => tx.mutate.todos.insert(row)),
  addTodos: defineMutator(async ({ tx, args: rows }) => {
    for (const row of rows) await tx.mutate.todos.insert(row)
  }),
})

export async function openZero(rows) {
  const logSink = { log() {} }
  const zero = new Zero({ userID: "bench", cacheURL: null, kvStore: "mem", schema, mutators, logSink })
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const batch = Array.from({ length: Math.min(BATCH_ROWS, rows - from) }, (_, i) => rowOf(todo(from + i)))
    await succeeded(zero.mutate(mutators.addTodos(batch)))
  }
  const view = shown()
  const { todos } = createBuilder(schema)
  const newest = zero.materialize(todos.where("list_id", LIST).orderBy("created_at", "desc").limit(SHOWN_MAX))
  newest.addListener((now) => view.deliver(now, now[0]?.id))
  return {
    add: (todo) => view.measure(todo.id, () => succeeded(zero.mutate(mutators.addTodo(rowOf(todo))))),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      newest.destroy()
      await zero.close()
    },
  }
}

/** The client's half answers a failure and does not throw it; the server's never comes. */
async function succeeded({ client, server }) {
  server.catch(() => {})
  const result = await client
  if (result.type === "error") throw new Error(`Zero: ${result.error.message}`)
}
