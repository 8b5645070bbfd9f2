import { NoScript } from "../chrome/no-script"
import { SharePicture } from "../chrome/share-picture"
import { goHome, listsKey } from "../lists/go-home"
import { TodoSkeleton } from "../todo/todo-skeleton"

const script = `(${goHome.toString()})(${JSON.stringify(listsKey)})`

/** Redirects: a new user to a list of their own, a returning one to their last. */
export default function MyList() {
  return (
    <>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own function, run before the first paint */}
      <script dangerouslySetInnerHTML={{ __html: script }} />
      <SharePicture />
      <NoScript />
      <TodoSkeleton />
    </>
  )
}
