import type { Metadata } from "next"
import { notFound } from "next/navigation"
import { NoScript } from "../../chrome/no-script"
import { requestOrigin } from "../../chrome/request-origin"
import { SharePicture } from "../../chrome/share-picture"
import { listIdPattern } from "../../lists/list-id"
import { ListPage } from "../../todo/list-page"

interface PageProps {
  readonly params: Promise<{ id: string }>
}

/** A list's own title is set by its page, as soon as its name is known. */
export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const { id } = await params
  return listIdPattern.test(id) ? {} : { title: "This is not a list" }
}

/** The list itself is the browser's; the server only checks whether the address can be one. */
export default async function Page({ params }: PageProps) {
  const { id } = await params
  if (!listIdPattern.test(id)) notFound()
  return (
    <>
      <SharePicture origin={await requestOrigin()} />
      <NoScript />
      <ListPage />
    </>
  )
}
