import { Message } from "./message"

/** Stands in the place of a page that does nothing without scripts (app.css hides the page behind it). */
export function NoScript() {
  return (
    <noscript>
      <Message title="This page needs JavaScript">
        JavaScript is off, and it runs the database that keeps your lists in this browser. Turn it on and reload the
        page. The <a href="/docs">documentation</a> works without it.
      </Message>
    </noscript>
  )
}
