// Written by `lf types`: its next run replaces it.
import type {} from "@lf/core"

declare module "@lf/core" {
  interface Tables {
    list: { id: number; name: string }
    todos: { id: string; title: string; done: number; created_at: number }
  }
}
