// PowerSync with the same rows and the same list, over the fastest of its file systems: IndexedDB in a SharedWorker, its default, takes
// three times as long. It is connected to no service, so that nothing runs beside what is measured.
import { column, Schema, Table } from "@powersync/common"
import { PowerSyncDatabase, WASQLiteVFS } from "@powersync/web"

const BATCH_ROWS = 1_000
const columns = { list_id: column.integer, title: column.text, done: column.integer, created_at: column.integer }
const table = new Table(columns, { indexes: { todos_by_list: ["list_id", "created_at"] } })
const INSERT = "insert into todos (id, list_id, title, done, created_at)"

/** `onRows` gets the newest 100 of the list, whenever they change. */
export async function peerWith(todos, list, onRows) {
  const database = {
    dbFilename: `bench-${Math.random()}.db`,
    vfs: WASQLiteVFS.OPFSWriteAheadVFS,
    // With one, as is the default, a live query sometimes reads the state before the change that it runs for.
    additionalReaders: 0,
    worker: "/powersync/worker.js",
  }
  const db = new PowerSyncDatabase({ schema: new Schema({ todos: table }), database })
  await db.init()
  await db.writeTransaction(async (tx) => {
    for (let from = 0; from < todos.length; from += BATCH_ROWS) {
      const many = `${INSERT} select value ->> 'id', value ->> 'list', value ->> 'title', 0, value ->> 'at' from json_each(?)`
      await tx.execute(many, [JSON.stringify(todos.slice(from, from + BATCH_ROWS))])
    }
    // As if they had come from the service: nothing of them is to be uploaded.
    await tx.execute("delete from ps_crud")
  })
  const newest = "select * from todos where list_id = ? order by created_at desc limit 100"
  const onResult = ({ rows: { _array: rows } }) => onRows(rows)
  db.watchWithCallback(newest, [list], { onResult, onError: reportError }, { throttleMs: 0 })
  return {
    count: async () => (await db.get("select count(*) as n from todos")).n,
    add: ({ id, list, title, at }) => db.execute(`${INSERT} values (?, ?, ?, 0, ?)`, [id, list, title, at]),
  }
}
