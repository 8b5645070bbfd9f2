import type { Metadata } from "next"
import { Message } from "./chrome/message"

export const metadata: Metadata = { title: "Nothing here" }

export default function NotFound() {
  return (
    <Message title="Nothing here">
      There is no such page. Go to the <a href="/">first page</a>, the <a href="/docs">documentation</a>,{" "}
      <a href="/list">your list</a> or <a href="/lists">all your lists</a>.
    </Message>
  )
}
