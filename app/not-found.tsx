import { Message } from "./chrome/message"

export default function NotFound() {
  return (
    <Message title="Nothing here">
      There is no such page. Go to <a href="/list">your list</a> or <a href="/lists">all your lists</a>.
    </Message>
  )
}
