import { type Database, isLfError, type Row, type Sql, type SqlValue } from "@lf/core/testing"
import type { Answer, Answered } from "./native.ts"
import { COUNTS, forOurs, hexOf, type Statement } from "./statement.ts"

/** Runs a statement on our side, as a mutation, a query or a migration would. */
export function answerTo(db: Database, statement: Statement): Answered {
  const query = forOurs(statement)
  try {
    if (statement.columns.length > 0) {
      const rows = db.all(query as Sql<Row>, statement.mode).map((row) => wordsOf(row, statement.columns.length))
      return { statement, answer: { type: "rows", rows }, counts: countsOf(db, statement) }
    }
    const { changes } = db.run(query, statement.mode)
    const counts = countsOf(db, statement)
    if (counts !== null && counts.split(",")[0] !== String(changes))
      throw new Error(`run() counts ${changes}, not ${counts}`)
    return { statement, answer: { type: "rows", rows: [] }, counts }
  } catch (error) {
    if (!isLfError(error)) throw error
    return { statement, answer: { type: "error", message: error.message }, counts: null }
  }
}

export function wordsOfAll(answer: Answer): string {
  return answer.type === "rows" ? answer.rows.join("\n") : `error: ${answer.message}`
}

function countsOf(db: Database, { counts }: Statement): string | null {
  if (counts === null) return null
  return String(db.exec(COUNTS[counts])[0].counts)
}

function wordsOf(row: Row, count: number): string {
  const words: string[] = []
  for (let i = 0; i < count; i++) words.push(word(row[`v${i}`], row[`t${i}`]))
  return words.join("|")
}

function word(value: SqlValue, type: SqlValue): string {
  switch (type) {
    case "null":
      return value === null ? "n" : `a null that is ${value}`
    case "integer":
      return `i${value}`
    case "real":
      return `r${value}`
    case "text":
      return `t${hexOf(Buffer.from(String(value)))}`
    default:
      return value instanceof Uint8Array ? `b${hexOf(value)}` : `a blob that is ${value}`
  }
}
