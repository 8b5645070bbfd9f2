// PGlite in memory with its live query extension and the same table and index.
import { PGlite } from "@electric-sql/pglite"
import { live } from "@electric-sql/pglite/live"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"

const BATCH_ROWS = 1_000

export async function openPglite(rows) {
  const pg = await PGlite.create({ extensions: { live } })
  await pg.exec(`create table todos (id text primary key, list_id integer not null, title text not null,
    done integer not null default 0, created_at bigint not null);
    create index todos_by_list on todos (list_id, created_at);`)
  const many = `insert into todos select id, list, title, 0, at
    from json_to_recordset($1::json) as row(id text, list integer, title text, at bigint)`
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const batch = Array.from({ length: Math.min(BATCH_ROWS, rows - from) }, (_, i) => todo(from + i))
    await pg.query(many, [JSON.stringify(batch)])
  }
  await pg.exec("analyze todos")
  const view = shown()
  const newest = await pg.live.query(
    `select * from todos where list_id = ${LIST} order by created_at desc limit ${SHOWN_MAX}`,
    [],
    ({ rows: now }) => view.deliver(now, now[0]?.id),
  )
  const insert = "insert into todos values ($1, $2, $3, 0, $4)"
  return {
    add: ({ id, list, title, at }) => view.measure(id, () => pg.query(insert, [id, list, title, at])),
    titles: () => view.rows.map(({ title }) => title),
    close: async () => {
      await newest.unsubscribe()
      await pg.close()
    },
  }
}
