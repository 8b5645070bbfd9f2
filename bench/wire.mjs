// Bytes per mutation down to another client, as the server's frame carries them, against the raw pages that changed.
import { loadChecksum } from "@lf/core/internal"
import { row } from "./measure.mjs"
import { frameOf, mutationOf, step } from "./server-step.mjs"
import { LISTS, random, seeded, todo, todoId } from "./todos.mjs"

export async function run({ quick }) {
  await loadChecksum()
  const rows = quick ? 10_000 : 100_000
  const server = await seeded(rows)
  const pick = random(2)
  let fresh = rows
  const kinds = {
    AddTodo: {
      args: () => {
        const { id, list, title, at } = todo(fresh++)
        return { id, list, title, at }
      },
    },
    ToggleTodo: { args: () => ({ id: todoId(pick(rows)) }), bytesGoal: 45 },
    RenameTodo: { args: () => ({ id: todoId(pick(rows)), title: `renamed to ${pick(1000)}` }) },
    MoveTodo: { args: () => ({ id: todoId(pick(rows)), list: pick(LISTS) }) },
  }
  let position = 0
  const results = []
  for (const [name, { args, bytesGoal }] of Object.entries(kinds)) {
    const sizes = []
    let rawBytes = 0
    const n = quick ? 200 : 1_000
    for (let i = 0; i < n; i++) {
      position++
      const changeset = step(server, [mutationOf(position, name, args())], position)
      rawBytes += changeset.pages.length * 4096
      sizes.push(frameOf(changeset, position).length)
    }
    const mean = sizes.reduce((sum, size) => sum + size, 0) / n
    const p99 = [...sizes].sort((a, b) => a - b)[Math.floor(n * 0.99)]
    const counts = { bytesMean: Math.round(mean), pagesMean: rawBytes / 4096 / n, ...(bytesGoal && { bytesGoal }) }
    results.push({
      ...row(
        "wire",
        `${name}, ${rows} rows`,
        "bytes",
        { value: mean, peerValue: rawBytes / n, n },
        "raw pages",
        "<= 0.03",
        counts,
      ),
      p99,
    })
  }
  return results
}
