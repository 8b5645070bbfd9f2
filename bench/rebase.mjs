// 1,000 pending mutations put on a new base with one foreign change, against running them forward once and against
// Replicache's rebase of the same. CPU time.
import { loadChecksum } from "@lf/core/internal"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { cpuMicros, interleave, interleaveAsync, row } from "./measure.mjs"
import { keyOf, replicacheWith } from "./peers/replicache.mjs"
import { rowOf } from "./peers/tanstack.mjs"
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
    const jobs = mutations.map((mutation) => ({ mutation, author: null }))
    const forward = () => applyGroup({ db, mutator, side: "local", jobs, pagesMax: db.pageCountMax })
    let round = 0
    const change = () => {
      round++
      server.db.exec("update todos set done = 1 - done where id = ?", todoId(round))
      return server.storage.commit()
    }
    const rebase = () => {
      const changeset = change()
      return cpuMicros(() => {
        storage.revert()
        storage.receive(changeset)
        db.resetCache()
        forward()
      })
    }
    forward()
    const clear = () => {
      storage.revert()
      db.resetCache()
    }
    const figures = interleave(quick ? 5 : 15, rebase, () => {
      clear()
      return cpuMicros(forward)
    })
    const peer = await pendingInReplicache(rows)
    const other = await interleaveAsync(quick ? 3 : 7, rebase, peer.rebase)
    await peer.close()
    if (db.exec("select count(*) as n from todos")[0].n !== rows + PENDING) throw new Error("a pending row is missing")
    clear()
    if (storage.checksum !== server.storage.checksum) throw new Error("the bases differ")
    results.push(row("rebase", `${PENDING} pending, ${rows} rows`, "us CPU", figures, "running forward", "<= 1.2"))
    results.push(
      row("rebase", `Replicache, ${PENDING} pending, ${rows} rows`, "us CPU", other, "Replicache", "<= 0.05"),
    )
  }
  return results
}

/** `rebase` answers the CPU of one pull of a foreign change under the pending mutations, up to the change's delivery. */
async function pendingInReplicache(rows) {
  let round = 0
  let before = null
  const foreign = () => ({ ...rowOf(todo(0)), title: `round ${round}` })
  const replicache = await replicacheWith(rows, () => {
    before = process.cpuUsage()
    return [{ op: "put", key: keyOf(foreign()), value: foreign() }]
  })
  let delivered = () => {}
  replicache.subscribe(
    (tx) => tx.get(keyOf(foreign())),
    (row) => {
      if (row?.title === foreign().title) delivered()
    },
  )
  for (let i = 0; i < PENDING; i++) await replicache.mutate.addTodo(rowOf(todo(rows + i)))
  return {
    async rebase() {
      round++
      const done = new Promise((resolve) => {
        delivered = resolve
      })
      void replicache.pull({ now: true })
      await done
      const { user, system } = process.cpuUsage(before)
      return user + system
    },
    async close() {
      const keys = await replicache.query((tx) => tx.scan({ prefix: "todo/" }).keys().toArray())
      const pending = await replicache.experimentalPendingMutations()
      if (keys.length !== rows + PENDING || pending.length !== PENDING) throw new Error("Replicache lost a row")
      await replicache.close()
    },
  }
}
