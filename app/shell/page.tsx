import { ListPage } from "../todo/list-page"

/** What the service worker answers when there is no network: holds no data, and reads the list's id from the address. */
export default function Shell() {
  return <ListPage />
}
