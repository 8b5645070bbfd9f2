// A persisted document in Node: log on disk -> first query result, with the wasm started, against reading the same file
// and starting the wasm alone. Each figure is of a process of its own, JavaScript loaded. Rolled up, and with deltas.
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { loadChecksum } from "@lf/core/internal"
import { openFsLog } from "../packages/next/dist/node/fs-log.js"
import { interleaveAsync, row } from "./measure.mjs"
import { mutationOf, step } from "./server-step.mjs"
import { store } from "./stored.mjs"
import { random, seeded, todoId } from "./todos.mjs"

const CHILD = fileURLToPath(new URL("./children/reopen.mjs", import.meta.url))
const exec = promisify(execFile)

export async function run({ quick }) {
  await loadChecksum()
  const rows = quick ? 10_000 : 100_000
  const results = []
  for (const deltas of [0, quick ? 1_000 : 5_000]) {
    const directory = await mkdtemp(join(tmpdir(), "lf-bench-"))
    try {
      await persist(directory, rows, deltas)
      const child = async (mode) => {
        const { stdout } = await exec(process.execPath, [CHILD, mode, directory])
        const { ms, found } = JSON.parse(stdout)
        if (mode === "ours" && found !== rows) throw new Error(`expected ${rows} todos, got ${found}`)
        return ms
      }
      const figures = await interleaveAsync(
        quick ? 3 : 9,
        () => child("ours"),
        () => child("raw"),
      )
      const what = deltas === 0 ? "rolled up" : `${deltas} deltas`
      results.push(row("reopen", `${rows} rows, ${what}`, "ms", figures, "file read + wasm start", "<= 1.3"))
    } finally {
      await rm(directory, { recursive: true })
    }
  }
  return results
}

async function persist(directory, rows, deltas) {
  const server = await seeded(rows)
  const { storage } = await seeded(rows)
  const pick = random(6)
  const changes = Array.from({ length: deltas }, (_, i) =>
    step(server, [mutationOf(i + 1, "ToggleTodo", { id: todoId(pick(rows)) })], i + 1),
  )
  await store(await openFsLog(directory), storage, changes)
}
