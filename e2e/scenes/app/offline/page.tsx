import Link from "next/link"

/** Not prefetched: a request of Next's own would be one more way to notice that the network is gone. */
export default function Page() {
  return (
    <Link href="/offline/served" prefetch={false}>
      served
    </Link>
  )
}
