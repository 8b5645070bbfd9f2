// CPU of the server's process per mutation, in steps of 1 and of 256: one client that writes and gets its own pages. In the bare
// server of the other rows, and in the demo's Next server.
import { row } from "./measure.mjs"
import { entryOf, RawClient } from "./raw-client.mjs"
import { startNextServer, startServer, temporaryDirectory } from "./server.mjs"
import { todo, todoId } from "./todos.mjs"
import { interleaveAsync } from "./turns.mjs"

/** Microseconds. */
const GOALS = { 1: 200, 256: 60 }

export async function run({ quick }) {
  const bare = await measureAll({ start: startServer, names: quick ? ["AddTodo"] : ["AddTodo", "ToggleTodo"], quick })
  return quick
    ? bare
    : [...bare, ...(await measureAll({ start: startNextServer, names: ["AddTodo"], place: " in Next" }))]
}

async function measureAll({ start, names, place = "", quick = false }) {
  const rows = quick ? 10_000 : 100_000
  const rounds = quick ? 3 : 5
  const results = []
  const { directory, remove } = temporaryDirectory()
  const server = await start(directory)
  try {
    await server.ask("seed", { docId: "cpu", rows })
    let count = rows
    const kinds = {
      AddTodo: () => {
        const { id, list, title, at } = todo(count++)
        return { id, list, title, at }
      },
      ToggleTodo: (i) => ({ id: todoId((i * 7919) % rows) }),
    }
    const like = await RawClient.connect(server.url, { docId: "cpu" })
    const client = await RawClient.connect(server.url, { docId: "cpu", like: like.welcome })
    like.close()
    client.listen()
    let made = 0
    const measure = async (name, size, steps) => {
      const args = kinds[name]
      const entries = Array.from({ length: steps * size }, () => entryOf(name, args(made), made++))
      const before = await server.ask("usage")
      for (let at = 0; at < entries.length; at += size) await client.push(entries.slice(at, at + size))
      const after = await server.ask("usage")
      return (after.cpuMicros - before.cpuMicros) / entries.length
    }
    for (const name of names) {
      for (const size of [1, 256]) {
        const steps = size === 1 ? (quick ? 150 : 1_000) : quick ? 4 : 20
        // The first steps run code that V8 has not compiled yet.
        await measure(name, size, steps)
        const goal = GOALS[size]
        const figures = await interleaveAsync(
          rounds,
          () => measure(name, size, steps),
          async () => goal,
        )
        const variant = `${name}, steps of ${size}, ${rows} rows${place}`
        results.push(row("server-cpu", variant, "us CPU", figures, "the goal", "<= 1"))
      }
    }
    if ((await server.ask("rows", { docId: "cpu" })) !== count) throw new Error("a row is missing")
    client.close()
  } finally {
    await server.stop()
    remove()
  }
  return results
}
