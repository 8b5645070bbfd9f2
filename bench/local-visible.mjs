// AddTodo called -> the live query "newest 100 of one list" has delivered the row, in Node, nothing on disk. Wall time.
// Each peer has a process with ours and no server.
import { apart } from "./apart.mjs"
import { median, row } from "./measure.mjs"

const peers = [
  { script: "tanstack", name: "TanStack DB", goal: "<= 0.5" },
  { script: "rxdb", name: "RxDB in memory", goal: "<= 0.5" },
  { script: "replicache", name: "Replicache in memory", goal: "<= 0.5" },
  { script: "pglite", name: "PGlite", goal: "<= 0.5" },
  { script: "livestore", name: "LiveStore in memory", goal: "<= 0.5" },
  { script: "zero", name: "Zero in memory", goal: "<= 0.5" },
  { script: "powersync", name: "PowerSync", goal: "<= 0.5" },
  { script: "yjs", name: "Yjs, no queries", goal: "<= 3" },
]

export async function run({ quick }) {
  const results = []
  for (const rows of quick ? [10_000] : [1_000, 100_000]) {
    for (const { script, name, goal } of peers) {
      const { ours, theirs } = await apart("./children/visible.mjs", [script, rows, quick ? 60 : 300])
      const figures = { value: median(ours), peerValue: median(theirs), n: ours.length }
      const line = row("local-visible", `${name}, ${rows} rows`, "us", figures, name, goal)
      results.push({ ...line, p99: Math.round(percentile(ours, 0.99)) })
    }
  }
  return results
}

function percentile(values, share) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]
}
