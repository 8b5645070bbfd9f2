import { notFound } from "next/navigation"
import { NoScript } from "../../chrome/no-script"
import { ListPage } from "../../todo/list-page"

/** The list itself is the browser's; the server only checks whether the address can be one. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) notFound()
  return (
    <>
      <NoScript />
      <ListPage />
    </>
  )
}
