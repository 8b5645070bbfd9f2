import { sql } from "@lf/core"
import type { Todo } from "../lf/todo-mutations"

export const DOC = "shared"
export const allTodos = sql<Todo>`select id, title, done from todos order by created_at, id`
