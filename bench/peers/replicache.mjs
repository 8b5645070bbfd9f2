// Replicache without a server: its store in memory, its rows from one pull. Keys begin with the list and end with a
// descending time, so that the newest 100 of a list are one scan.
import { Replicache } from "replicache"
import { LISTS, todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"
import { rowOf } from "./tanstack.mjs"

const listKey = (list) => `todo/${String(list).padStart(String(LISTS).length, "0")}/`
export const keyOf = ({ id, list_id, created_at }) => `${listKey(list_id)}${1e14 - created_at}/${id}`

const mutators = {
  addTodo: async (tx, row) => {
    await tx.set(keyOf(row), row)
  },
}

/** `pull` answers the patch of the next pull; the first one brings `rows` todos. */
export async function replicacheWith(rows, pull = () => []) {
  let cookie = 0
  const answer = () => {
    cookie++
    if (cookie > 1) return pull()
    return Array.from({ length: rows }, (_, i) => {
      const value = rowOf(todo(i))
      return { op: "put", key: keyOf(value), value }
    })
  }
  const replicache = new Replicache({
    name: `bench-${rows}-${Math.random()}`,
    kvStore: "mem",
    logLevel: "error",
    pullInterval: null,
    mutators,
    pusher: async () => ({ httpRequestInfo: { httpStatusCode: 200, errorMessage: "" } }),
    puller: async () => ({
      response: { cookie, lastMutationIDChanges: {}, patch: answer() },
      httpRequestInfo: { httpStatusCode: 200, errorMessage: "" },
    }),
  })
  while ((await replicache.query((tx) => tx.scan({ limit: 1 }).toArray())).length < Math.min(rows, 1))
    await new Promise((resolve) => setTimeout(resolve, 20))
  return replicache
}

function watchNewest(replicache, deliver) {
  const scan = (tx) =>
    tx
      .scan({ prefix: listKey(LIST), limit: SHOWN_MAX })
      .values()
      .toArray()
  return replicache.subscribe(scan, deliver)
}

export async function openReplicache(rows) {
  const replicache = await replicacheWith(rows)
  const view = shown()
  const stop = watchNewest(replicache, (now) => view.deliver(now, now[0]?.id))
  return {
    add: (todo) => view.measure(todo.id, () => replicache.mutate.addTodo(rowOf(todo))),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      stop()
      await replicache.close()
    },
  }
}
