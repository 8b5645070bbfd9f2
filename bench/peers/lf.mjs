// Ours: a `Local` over a log in memory; what a hook does with a patch is part of it.
import { sql } from "@lf/core"
import { patchRows } from "@lf/core/internal"
import { localWith, openLocal } from "../stored.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"

export async function openLf(rows) {
  return show(await localWith(rows))
}

/** From a log that another process may have written. */
export async function openLfFrom(opened) {
  return show(await openLocal(opened))
}

function show(local) {
  const view = shown()
  const query = sql`select * from todos where list_id = ${LIST} order by created_at desc limit ${SHOWN_MAX}`
  let now = []
  const subscription = local.subscribe(query, (result) => {
    if (result.type === "error") throw result.error
    now = result.type === "rows" ? result.rows : patchRows(now, result.patch)
    view.deliver(now, now[0]?.id)
  })
  return {
    add: (todo) => view.measure(todo.id, () => void local.run("AddTodo", todo)),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      subscription.stop()
      await local.close()
    },
  }
}
