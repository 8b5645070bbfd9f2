// Written by `lf types`: its next run replaces it.
import type {} from "@lf/core"

declare module "@lf/core" {
  interface Tables {
    todos: { id: string; title: string; done: number; created_at: number }
  }
  interface QueryRows {
    allTodos: { id: string; title: string; done: number }
  }
  interface QueryParameters {
    allTodos: []
  }
}
