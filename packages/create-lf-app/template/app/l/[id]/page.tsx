import { isDocId } from "@lf/core"
import { notFound } from "next/navigation"
import { Todos } from "../../todos"

/** The list itself is in the browser: the server only looks at the address. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  if (!isDocId(id)) notFound()
  return <Todos list={id} />
}
