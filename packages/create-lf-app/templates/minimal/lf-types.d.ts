// Written by `lf types`: its next run replaces it.
import type {} from "@lf/core"

declare module "@lf/core" {
  interface Tables {
    notes: { id: string; text: string; created_at: number }
  }
  interface QueryRows {
    notes: { id: string; text: string }
  }
  interface QueryParameters {
    notes: []
  }
}
