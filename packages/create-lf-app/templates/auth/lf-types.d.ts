// Written by `lf types`: its next run replaces it.
import type {} from "@lf/core"

declare module "@lf/core" {
  interface Tables {
    invites: { hash: string; role: string; created_at: number }
    list: { title: string; created_at: number }
    lists: { id: string; title: string }
    members: { user_id: string; name: string; role: string }
    todos: { id: string; title: string; done: number; created_at: number }
  }
  interface QueryRows {
    allTodos: { id: string; title: string; done: number }
    kept: { title: string }
    list: { title: string }
    lists: { id: string; title: string }
  }
  interface QueryParameters {
    allTodos: []
    kept: [string | null]
    list: []
    lists: []
  }
}
