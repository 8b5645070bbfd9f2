import { isDocId } from "@lf/core"
import { notFound } from "next/navigation"
import { Suspense } from "react"
import { EmptyList } from "../../todos"
import { TodosPage } from "../../todos-page"

interface Props {
  readonly params: Promise<{ id: string }>
}

/** The frame is the same for every list: Next prerenders it, and shows it at once. */
export default function Page({ params }: Props) {
  return (
    <Suspense fallback={<EmptyList />}>
      <List params={params} />
    </Suspense>
  )
}

/** The list is in the browser; the server reads the address only. */
async function List({ params }: Props) {
  const { id } = await params
  if (!isDocId(id)) notFound()
  return <TodosPage list={id} />
}
