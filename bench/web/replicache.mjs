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

export async function replicacheWith(todos, list) {
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
  let rows = []
  let wanted = null
  let done = () => {}
  const prefix = `todo/${String(list).padStart(4, "0")}/`
  const newest = (tx) => tx.scan({ prefix, limit: 100 }).values().toArray()
  rep.subscribe(newest, (result) => {
    rows = result
    if (wanted === null || !rows.some(({ id }) => id === wanted)) return
    wanted = null
    done(performance.now())
  })
  await rep.pull({ now: true })
  const count = () => rep.query(async (tx) => (await tx.scan({ prefix: "todo/" }).keys().toArray()).length)
  while ((await count()) !== todos.length) await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    count,
    /** Milliseconds from the mutation's call until the subscription has its row. */
    async add(one) {
      wanted = one.id
      const seen = new Promise((resolve) => {
        done = resolve
      })
      const startedMs = performance.now()
      const kept = rep.mutate.addTodo(one)
      const ms = (await seen) - startedMs
      await kept
      return ms
    },
  }
}
