import type { ComponentProps } from "react"
import { Live } from "../reads/adder"

/** All of it is prerendered, hooks included: they read no clock. */
export default async function Page() {
  return <Live state={await state()} />
}

/** Rows as `prefetch` gives them, of a moment that the page knows. */
async function state(): Promise<ComponentProps<typeof Live>["state"]> {
  "use cache"
  const sql = "select id, title, done from todos order by created_at, id"
  const queryKey = ["lf", null, "shared", sql, []]
  const data = [{ id: "1", title: "from the shell", done: 0 }]
  return {
    mutations: [],
    queries: [
      {
        queryKey,
        queryHash: JSON.stringify(queryKey),
        dehydratedAt: 1,
        state: {
          data,
          dataUpdateCount: 1,
          dataUpdatedAt: 1,
          error: null,
          errorUpdateCount: 0,
          errorUpdatedAt: 0,
          fetchFailureCount: 0,
          fetchFailureReason: null,
          fetchMeta: null,
          isInvalidated: false,
          status: "success",
          fetchStatus: "idle",
        },
      },
    ],
  }
}
