// Our binding and page VFS against better-sqlite3 in memory: insert transaction, point select, scan. CPU time.
import Better from "better-sqlite3"
import { cpuMicros, interleave, row } from "./measure.mjs"
import { random, SCHEMA, seeded, todo, todoId } from "./todos.mjs"

export async function run({ quick }) {
  const rows = quick ? 10_000 : 100_000
  const operations = quick ? 2_000 : 10_000
  const rounds = quick ? 3 : 7
  const { storage, db } = await seeded(rows)
  const peer = new Better(":memory:")
  for (const text of SCHEMA) peer.exec(text)
  const add = peer.prepare("insert into todos values (?, ?, ?, 0, ?)")
  peer.transaction(() => {
    for (let i = 0; i < rows; i++) {
      const { id, list, title, at } = todo(i)
      add.run(id, list, title, at)
    }
  })()

  let ours = rows
  let theirs = rows
  const insert = interleave(
    rounds,
    () =>
      operations /
      cpuMicros(() => {
        for (let i = 0; i < operations; i++) {
          const { id, list, title, at } = todo(ours++)
          db.exec("insert into todos values (?, ?, ?, 0, ?)", id, list, title, at)
        }
      }),
    () =>
      operations /
      cpuMicros(() => {
        for (let i = 0; i < operations; i++) {
          const { id, list, title, at } = todo(theirs++)
          add.run(id, list, title, at)
        }
      }),
  )
  storage.commit()

  const pick = random(1)
  const point = peer.prepare("select * from todos where id = ?")
  const select = interleave(
    rounds,
    () =>
      operations /
      cpuMicros(() => {
        for (let i = 0; i < operations; i++) db.exec("select * from todos where id = ?", todoId(pick(rows)))
      }),
    () =>
      operations /
      cpuMicros(() => {
        for (let i = 0; i < operations; i++) point.get(todoId(pick(rows)))
      }),
  )

  const all = peer.prepare("select * from todos order by id limit ?")
  const scanned = Math.min(rows, 50_000)
  let ownRows = []
  let peerRows = []
  const scan = interleave(
    rounds,
    () =>
      scanned /
      cpuMicros(() => {
        ownRows = db.exec("select * from todos order by id limit ?", scanned)
      }),
    () =>
      scanned /
      cpuMicros(() => {
        peerRows = all.all(scanned)
      }),
  )
  if (JSON.stringify(ownRows) !== JSON.stringify(peerRows)) throw new Error("the two databases answer differently")
  return [
    row("engine", "insert transaction", "op/us CPU", insert, "better-sqlite3", ">= 0.8"),
    row("engine", "point select", "op/us CPU", select, "better-sqlite3", ">= 1.2"),
    row("engine", "scan", "row/us CPU", scan, "better-sqlite3", ">= 1.2"),
  ]
}
