// RxDB with its storage in memory and an index on (list_id, created_at).
import { createRxDatabase } from "rxdb/plugins/core"
import { getRxStorageMemory } from "rxdb/plugins/storage-memory"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"
import { rowOf } from "./tanstack.mjs"

const integer = { type: "integer", minimum: 0, multipleOf: 1 }
const schema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 40 },
    list_id: { ...integer, maximum: 1_000_000 },
    title: { type: "string" },
    done: { ...integer, maximum: 1 },
    created_at: { ...integer, maximum: 10_000_000_000_000 },
  },
  required: ["id", "list_id", "title", "done", "created_at"],
  indexes: [["list_id", "created_at"]],
}

export async function openRxdb(rows) {
  const storage = getRxStorageMemory()
  const db = await createRxDatabase({ name: `todos${rows}`, storage, multiInstance: false, eventReduce: true })
  const { todos } = await db.addCollections({ todos: { schema } })
  await todos.bulkInsert(Array.from({ length: rows }, (_, i) => rowOf(todo(i))))
  const view = shown()
  const query = todos.find({ selector: { list_id: LIST }, sort: [{ created_at: "desc" }], limit: SHOWN_MAX })
  const subscription = query.$.subscribe((now) => view.deliver(now, now[0]?.id))
  return {
    add: (todo) => view.measure(todo.id, () => todos.insert(rowOf(todo))),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      subscription.unsubscribe()
      await db.close()
    },
  }
}
