import { Message, PartMessage } from "./message"

/**
 * Stands in the place of what does nothing without scripts: a page, or with `isPart` a part of one. app.css hides what is
 * behind it.
 */
export function NoScript({ isPart = false }: { isPart?: boolean }) {
  const Place = isPart ? PartMessage : Message
  return (
    <noscript>
      <Place title="This page needs JavaScript">
        JavaScript is off, and it runs the database in this browser. Turn it on and reload the page. The{" "}
        <a href="/docs">documentation</a> works without it.
      </Place>
    </noscript>
  )
}
