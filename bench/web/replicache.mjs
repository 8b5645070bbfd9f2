// Replicache with the same rows and the same list, over IndexedDB. Its server answers one pull and takes no pushes, so that nothing
// runs beside what is measured.
import { Replicache } from "replicache"

const TIME_MAX = 10_000_000_000_000

/** Keys sort the newest first, as the list shows them. */
function keyOf({ id, list, at }) {
  return `todo/${String(list).padStart(4, "0")}/${String(TIME_MAX - at).padStart(14, "0")}/${id}`
}

function rowOf({ id, list, title, at }) {
  return { id, list_id: list, title, done: 0, created_at: at }
}

/** `onRows` gets the newest 100 of the list, whenever they change. */
export async function peerWith(todos, list, onRows) {
  const puts = todos.map((one) => ({ op: "put", key: keyOf(one), value: rowOf(one) }))
  const patch = [{ op: "clear" }, ...puts]
  const rep = new Replicache({
    name: `bench-${Math.random()}`,
    logLevel: "error",
    mutators: {
      addTodo: async (tx, one) => {
        await tx.set(keyOf(one), rowOf(one))
      },
    },
    pullInterval: null,
    puller: async ({ cookie }) => ({
      httpRequestInfo: { httpStatusCode: 200, errorMessage: "" },
      response: { cookie: 1, lastMutationIDChanges: {}, patch: cookie === 1 ? [] : patch },
    }),
    pusher: async () => ({ httpRequestInfo: { httpStatusCode: 500, errorMessage: "no pushes here" } }),
    pushDelay: 3_600_000,
  })
  const prefix = `todo/${String(list).padStart(4, "0")}/`
  rep.subscribe((tx) => tx.scan({ prefix, limit: 100 }).values().toArray(), onRows)
  await rep.pull({ now: true })
  const count = () => rep.query(async (tx) => (await tx.scan({ prefix: "todo/" }).keys().toArray()).length)
  while ((await count()) !== todos.length) await new Promise((resolve) => setTimeout(resolve, 50))
  return { count, add: (one) => rep.mutate.addTodo(one) }
}
