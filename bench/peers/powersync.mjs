// PowerSync without its service, over better-sqlite3 in workers of its own. It has no database in memory that its workers share:
// its file is a WAL with `synchronous = normal`, which a commit does not flush.
import { column, Schema, Table } from "@powersync/common"
import { PowerSyncDatabase } from "@powersync/node"
import { temporaryDirectory } from "../server.mjs"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"

const BATCH_ROWS = 1_000
const columns = { list_id: column.integer, title: column.text, done: column.integer, created_at: column.integer }
const todos = new Table(columns, { indexes: { todos_by_list: ["list_id", "created_at"] } })
const INSERT = "insert into todos (id, list_id, title, done, created_at)"

export async function openPowerSync(rows) {
  const { directory, remove } = temporaryDirectory()
  const database = { dbFilename: "todos.db", dbLocation: directory }
  const db = new PowerSyncDatabase({ schema: new Schema({ todos }), database })
  await db.init()
  await db.writeTransaction(async (tx) => {
    for (let from = 0; from < rows; from += BATCH_ROWS) {
      const batch = Array.from({ length: Math.min(BATCH_ROWS, rows - from) }, (_, i) => todo(from + i))
      const many = `${INSERT} select value ->> 'id', value ->> 'list', value ->> 'title', 0, value ->> 'at' from json_each(?)`
      await tx.execute(many, [JSON.stringify(batch)])
    }
    // As if they had come from the service: nothing of them is to be uploaded.
    await tx.execute("delete from ps_crud")
  })
  const view = shown()
  const stop = new AbortController()
  const first = new Promise((resolve, reject) => {
    const query = "select * from todos where list_id = ? order by created_at desc limit ?"
    const onResult = ({ rows: { _array: now } }) => {
      view.deliver(now, now[0]?.id)
      resolve()
    }
    const options = { throttleMs: 0, signal: stop.signal }
    db.watchWithCallback(query, [LIST, SHOWN_MAX], { onResult, onError: reject }, options)
  })
  await first
  return {
    add: ({ id, list, title, at }) =>
      view.measure(id, () => db.execute(`${INSERT} values (?, ?, ?, 0, ?)`, [id, list, title, at])),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      stop.abort()
      await db.close()
      remove()
    },
  }
}
