// A live query of the newest 100 of one list, as a component has it, and when it has a row.
import { sql } from "@lf/core"
import { patchRows } from "@lf/core/internal"

export const LIST = 7

export function watch(local) {
  let rows = []
  let wanted = null
  let done = () => {}
  const query = sql`select * from todos where list_id = ${LIST} order by created_at desc limit 100`
  local.subscribe(query, (result) => {
    if (result.type === "error") throw result.error
    rows = result.type === "rows" ? result.rows : patchRows(rows, result.patch)
    if (wanted !== null && rows.some(({ id }) => id === wanted)) {
      wanted = null
      done(performance.now())
    }
  })
  return {
    shows(id) {
      wanted = id
      return new Promise((resolve) => {
        done = resolve
      })
    },
    check(added, before) {
      const [{ n }] = local.query(sql`select count(*) as n from todos`)
      if (n !== before + added) throw new Error(`the reader has ${n} rows, not ${before + added}`)
      if (rows.length !== Math.min(100, rows.length)) throw new Error("the live query shows too many rows")
    },
  }
}
