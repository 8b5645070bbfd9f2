// Live-query re-runs per mutation with 100 live queries on 100 lists, against table-level invalidation. A count.
import { sql } from "@lf/core"
import { compileQuery, loadChecksum } from "@lf/core/internal"
import { LiveQueries } from "../packages/core/dist/local/live-queries.js"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { row } from "./measure.mjs"
import { mutator, random, seeded, todo, todoId } from "./todos.mjs"

const QUERIES = 100

export async function run({ quick }) {
  await loadChecksum()
  const rows = quick ? 10_000 : 100_000
  const { storage, db } = await seeded(rows)
  const live = new LiveQueries({ db, host: { monotonicMs: () => performance.now() } })
  let postedRows = 0
  for (let list = 0; list < QUERIES; list++) {
    const query = compileQuery(sql`select * from todos where list_id = ${list} order by created_at desc limit 100`)
    live.listen(query, (result) => {
      if (result.type === "patch")
        for (const step of result.patch) if (step.type === "rows") postedRows += step.rows.length
    })
  }
  const pick = random(3)
  let fresh = rows
  const kinds = {
    ToggleTodo: { args: () => ({ id: todoId(pick(rows)) }), goal: "<= 0.06" },
    AddTodo: {
      args: () => {
        const { id, list, title, at } = todo(fresh++)
        return { id, list, title, at }
      },
      goal: "<= 0.1",
    },
  }
  const results = []
  let position = 0
  for (const [name, { args, goal }] of Object.entries(kinds)) {
    const n = quick ? 200 : 1_000
    const runs = live.runs
    postedRows = 0
    for (let i = 0; i < n; i++) {
      position++
      const mutation = {
        uid: `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`,
        name,
        args: args(),
        at: 1_800_000_000_000,
      }
      applyGroup({ db, mutator, side: "local", jobs: [{ mutation, author: null }], pagesMax: db.pageCountMax })
      live.notify(storage.takeChanges())
    }
    const perMutation = (live.runs - runs) / n
    const counts = { runs: live.runs - runs, postedRows, mutations: n }
    results.push(
      row(
        "rerun",
        `${name}, ${rows} rows`,
        "runs per mutation",
        { value: perMutation, peerValue: QUERIES, n },
        "table-level",
        goal,
        counts,
      ),
    )
  }
  return results
}
