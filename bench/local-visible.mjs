// AddTodo called -> the live query "newest 100 of one list" has delivered the row, in Node, nothing on disk. Wall time.
// Zero needs a running zero-cache with Postgres, and LiveStore an adapter with a worker of its own: neither has a
// headless mode in Node without them that would be comparable, so they are left out.
import { median, row } from "./measure.mjs"
import { openLf } from "./peers/lf.mjs"
import { openPglite } from "./peers/pglite.mjs"
import { openReplicache } from "./peers/replicache.mjs"
import { openRxdb } from "./peers/rxdb.mjs"
import { nextTodo, SHOWN_MAX } from "./peers/shown.mjs"
import { openTanStack } from "./peers/tanstack.mjs"
import { openYjs } from "./peers/yjs.mjs"
import { todo } from "./todos.mjs"

const peers = [
  { name: "TanStack DB", open: openTanStack, goal: "<= 0.5" },
  { name: "RxDB in memory", open: openRxdb, goal: "<= 0.5" },
  { name: "Replicache in memory", open: openReplicache, goal: "<= 0.5" },
  { name: "PGlite", open: openPglite, goal: "<= 0.5" },
  { name: "Yjs, no queries", open: openYjs, goal: "<= 3" },
]
/** Adds before the first that counts: everything is compiled by then, and the list has its 100 rows in every size. */
const WARM = SHOWN_MAX

export async function run({ quick }) {
  const results = []
  for (const rows of quick ? [10_000] : [1_000, 100_000]) {
    for (const { name, open, goal } of peers) {
      const figures = await compare(rows, open, quick ? 60 : 300)
      const value = { value: median(figures.ours), peerValue: median(figures.theirs), n: figures.ours.length }
      const line = row("local-visible", `${name}, ${rows} rows`, "us", value, name, goal)
      results.push({ ...line, p99: Math.round(percentile(figures.ours, 0.99)) })
    }
  }
  return results
}

/** One add of each in turn; whatever they still do after the delivery is over before the next. */
async function compare(rows, open, count) {
  const ours = await openLf(rows)
  const theirs = await open(rows)
  const figures = { ours: [], theirs: [] }
  for (let i = 0; i < WARM + count; i++) {
    const added = nextTodo(todo, rows + i)
    for (const [side, engine] of [
      ["ours", ours],
      ["theirs", theirs],
    ]) {
      const ms = await engine.add(added)
      if (i >= WARM) figures[side].push(ms * 1000)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  if (JSON.stringify(ours.titles()) !== JSON.stringify(theirs.titles()))
    throw new Error("the two live queries show different rows")
  await ours.close()
  await theirs.close()
  return figures
}

function percentile(values, share) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]
}
