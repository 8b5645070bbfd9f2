// Bytes per mutation down to another client, as the server's frame carries them, against the raw pages that changed.
import { loadChecksum, lsn } from "@lf/core/internal"
import { encodeMessage } from "../packages/core/dist/network/codec.js"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { row } from "./measure.mjs"
import { LISTS, mutator, random, seeded, todo, todoId } from "./todos.mjs"

const CLIENT = "0123456789abcdef0123456789abcdef"

export async function run({ quick }) {
  await loadChecksum()
  const rows = quick ? 10_000 : 100_000
  const { storage, db } = await seeded(rows)
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
      const mutation = {
        uid: `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`,
        name,
        args: args(),
        at: 1_800_000_000_000 + position,
      }
      const mark = () =>
        db.exec(
          "replace into __lf_mutations values (?, ?, ?)",
          CLIENT,
          position,
          BigInt.asIntN(64, BigInt(position) * 11_400_714_819_323_198_485n),
        )
      const jobs = [{ mutation, user: null }]
      const { outcomes } = applyGroup({ db, mutator, side: "remote", jobs, pagesMax: db.pageCountMax, mark })
      const [outcome] = outcomes
      if (outcome.type !== "applied") throw new Error(`${name} was rejected: ${outcome.code}`)
      const changeset = storage.commit()
      rawBytes += changeset.pages.length * 4096
      const frame = {
        type: "pages",
        from: lsn(position),
        to: lsn(position + 1),
        isLast: true,
        bytesTotal: 100,
        changeset,
        outcomes: [],
      }
      sizes.push(encodeMessage(frame).length)
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
