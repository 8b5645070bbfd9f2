import { isDocId } from "@lf/core"
import { notFound } from "next/navigation"
import { Todos } from "../../todos"

/** The list is in the browser; the server reads the address only. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  if (!isDocId(id)) notFound()
  return <Todos list={id} />
}
