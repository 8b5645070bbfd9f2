import { sql } from "@lf/core"

export const DOC = "shared"
export const allTodos = sql<"allTodos">`select id, title, done from todos order by created_at, id`
