import { isDocId } from "@lf/core"
import { notFound } from "next/navigation"
import { Suspense } from "react"
import { SharedList } from "../../shared-list"
import { EmptyList } from "../../todos"

interface Props {
  readonly params: Promise<{ id: string }>
}

/** The frame is the same for every list: Next prerenders it, and shows it at once. */
export default function Page({ params }: Props) {
  return (
    <Suspense fallback={<EmptyList title={"\u00a0"} />}>
      <List params={params} />
    </Suspense>
  )
}

/** The list is in the browser, where it is known who may see it; the server reads the address only. */
async function List({ params }: Props) {
  const { id } = await params
  if (!isDocId(id)) notFound()
  return <SharedList list={id} />
}
