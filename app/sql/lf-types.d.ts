// Written by `lf types`: its next run replaces it.
import type {} from "@lf/core"

declare module "@lf/core" {
  interface Tables {
    people: { id: number; name: string; team: string }
    tasks: { id: number; title: string; status: string; priority: number; person: number; created_at: number }
  }
}
