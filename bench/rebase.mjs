// 1,000 pending mutations put on a new base, against running them forward once. CPU time.
import { loadChecksum } from "@lf/core/internal"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { cpuMicros, interleave, row } from "./measure.mjs"
import { mutator, seeded, todo, todoId } from "./todos.mjs"

const PENDING = 1_000

export async function run({ quick }) {
  await loadChecksum()
  const results = []
  for (const rows of quick ? [1_000] : [1_000, 100_000]) {
    const server = await seeded(rows)
    const { storage, db } = await seeded(rows)
    const mutations = Array.from({ length: PENDING }, (_, i) => {
      const { id, list, title, at } = todo(rows + i)
      return {
        uid: `00000000-0000-7000-8000-${String(i).padStart(12, "0")}`,
        name: "AddTodo",
        args: { id, list, title, at },
        at: 1_800_000_000_000,
      }
    })
    const jobs = mutations.map((mutation) => ({ mutation, user: null }))
    const forward = () => applyGroup({ db, mutator, side: "local", jobs, pagesMax: db.pageCountMax })
    let round = 0
    const change = () => {
      round++
      server.db.exec("update todos set done = 1 - done where id = ?", todoId(round))
      return server.storage.commit()
    }
    forward()
    const clear = () => {
      storage.revert()
      db.resetCache()
    }
    const figures = interleave(
      quick ? 5 : 15,
      () => {
        const changeset = change()
        return cpuMicros(() => {
          storage.revert()
          storage.receive(changeset)
          db.resetCache()
          forward()
        })
      },
      () => {
        clear()
        return cpuMicros(forward)
      },
    )
    if (db.exec("select count(*) as n from todos")[0].n !== rows + PENDING) throw new Error("a pending row is missing")
    clear()
    if (storage.checksum !== server.storage.checksum) throw new Error("the bases differ")
    results.push(row("rebase", `${PENDING} pending, ${rows} rows`, "us CPU", figures, "running forward", "<= 1.2"))
  }
  return results
}
