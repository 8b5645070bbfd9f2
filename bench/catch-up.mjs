// A client that missed mutations: our pull, from the server's history to pages put under, against running them, in CPU
// time, for the first client that asks (the server keeps compressed pages for the next one); and the bytes of that pull
// against the smaller of all deltas and all changed pages whole.
import { loadChecksum, lsn } from "@lf/core/internal"
import { PageHistory, Storage } from "@lf/core/testing"
import { decodeMessage, encodeMessage } from "../packages/core/dist/network/codec.js"
import { News, PageTransfer } from "../packages/core/dist/remote/page-transfer.js"
import { Database } from "../packages/core/dist/sqlite/database.js"
import { encodeWhole } from "../packages/core/dist/storage/delta.js"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { loadSqlite } from "../packages/next/dist/node/load-sqlite.js"
import { cpuMicros, interleave, row } from "./measure.mjs"
import { frameOf, mutationOf, step } from "./server-step.mjs"
import { mutator, random, seeded, todo, todoId } from "./todos.mjs"

export async function run({ quick }) {
  await loadChecksum()
  const rows = quick ? 10_000 : 100_000
  const missed = quick ? 1_000 : 10_000
  const pick = random(4)
  const kinds = {
    toggles: () => ["ToggleTodo", { id: todoId(pick(rows)) }],
    adds: (i) => ["AddTodo", todo(rows + i)],
  }
  const results = []
  for (const [kind, make] of Object.entries(kinds)) {
    const mutations = Array.from({ length: missed }, (_, i) => mutationOf(i + 1, ...make(i)))
    results.push(...(await compare(kind, rows, mutations, quick ? 3 : 5)))
  }
  return results
}

async function compare(kind, rows, mutations, rounds) {
  const server = await seeded(rows)
  const start = server.storage.snapshot()
  const history = new PageHistory(lsn(1))
  let deltaBytes = 0
  const changed = new Set()
  mutations.forEach((mutation, i) => {
    const changeset = step(server, [mutation], i + 1)
    history.append(lsn(i + 2), changeset)
    deltaBytes += frameOf(changeset, i + 1).length
    for (const { pageNo } of changeset.pages) changed.add(pageNo)
  })
  const pages = [...server.storage.snapshot()]
  const snapshot = { lsn: lsn(mutations.length + 1), checksum: server.storage.checksum, pages }
  const wholeBytes = [...changed].reduce((sum, pageNo) => sum + encodeWhole(pages[pageNo - 1]).length, 0)

  // Rounds take their clients from here: they are made outside of what is timed.
  const clients = []
  for (let i = 0; i < rounds * 2; i++) {
    const storage = new Storage(start)
    const db = new Database(await loadSqlite(), storage)
    db.exec("select count(*) as n from todos")
    clients.push({ db, storage })
  }
  let pulledBytes = 0
  let next = 0
  const figures = interleave(
    rounds,
    () => {
      const { db, storage } = clients[next++]
      // Pages of their own in each round, because the compressed bytes are kept for each page.
      const cold = { ...snapshot, pages: pages.map((page) => page.slice()) }
      const micros = cpuMicros(() => {
        pulledBytes = pull({ history, snapshot: cold, storage })
        db.resetCache()
      })
      if (storage.checksum !== snapshot.checksum) throw new Error("the client that pulled has other pages")
      return micros
    },
    () => {
      const { db } = clients[next++]
      const jobs = mutations.map((mutation) => ({ mutation, author: null }))
      const micros = cpuMicros(() => applyGroup({ db, mutator, side: "local", jobs, pagesMax: db.pageCountMax }))
      const state = "select count(*) as n, sum(done) as done from todos"
      if (JSON.stringify(db.exec(state)) !== JSON.stringify(server.db.exec(state)))
        throw new Error("replaying gave other rows")
      return micros
    },
  )
  const variant = `${mutations.length} ${kind}, ${rows} rows`
  const bytes = { value: pulledBytes, peerValue: Math.min(deltaBytes, wholeBytes), n: 1 }
  const counts = { pulledBytes, deltaBytes, wholeBytes, pages: changed.size }
  return [
    row("catch-up", `time, ${variant}`, "us CPU", figures, "replaying them", "<= 0.2"),
    row("catch-up", `bytes, ${variant}`, "bytes", bytes, "smaller of deltas, pages", "<= 1.1", counts),
  ]
}

/** Every part is made, encoded, decoded and kept; then all are put under. Answers the bytes. */
function pull({ history, snapshot, storage }) {
  const difference = history.since(lsn(1), snapshot.pages.length)
  const transfer = new PageTransfer(new News(lsn(1), snapshot, difference), [])
  const pages = []
  let bytes = 0
  for (;;) {
    const frame = encodeMessage(transfer.nextPart())
    bytes += frame.length
    const part = decodeMessage(frame)
    pages.push(...part.changeset.pages)
    if (!part.isLast) continue
    storage.receive({ ...part.changeset, pages })
    return bytes
  }
}
