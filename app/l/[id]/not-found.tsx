import { Message } from "../../chrome/message"

export default function NotFound() {
  return (
    <Message title="This is not a list">
      The link seems to be incomplete: a list’s address ends in up to 64 letters, digits, <code>-</code> and{" "}
      <code>_</code>. Ask for it again, or go to <a href="/list">your own list</a> or the <a href="/">first page</a>.
    </Message>
  )
}
