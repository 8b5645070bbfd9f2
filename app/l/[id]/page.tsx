import { notFound } from "next/navigation"
import { NoScript } from "../../chrome/no-script"
import { listIdPattern } from "../../lists/list-id"
import { ListPage } from "../../todo/list-page"

/** The list itself is the browser's; the server only checks whether the address can be one. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  if (!listIdPattern.test(id)) notFound()
  return (
    <>
      <NoScript />
      <ListPage />
    </>
  )
}
