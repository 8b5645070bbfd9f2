import { dehydrate, QueryClient } from "@tanstack/react-query"
import type { ComponentProps } from "react"
import { Live } from "../reads/adder"

/** All of it is prerendered, hooks included: they read no clock. */
export default async function Page() {
  return <Live state={await state()} />
}

/** Rows of a moment that the page knows, under the key that the hooks use. */
async function state(): Promise<ComponentProps<typeof Live>["state"]> {
  "use cache"
  const client = new QueryClient()
  const sql = "select id, title, done from todos order by created_at, id"
  client.setQueryData(["lf", null, "shared", sql, []], [{ id: "1", title: "from the shell", done: 0 }], {
    updatedAt: 1,
  })
  return dehydrate(client)
}
