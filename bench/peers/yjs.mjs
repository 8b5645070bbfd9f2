// Yjs has no queries: one array of maps for each list, newest last, and a view of the last 100. It is the floor.
import * as Y from "yjs"
import { todo } from "../todos.mjs"
import { LIST, SHOWN_MAX, shown } from "./shown.mjs"

const mapOf = ({ id, title, at }) => new Y.Map(Object.entries({ id, title, done: 0, created_at: at }))

export async function openYjs(rows) {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let i = 0; i < rows; i++) {
      const one = todo(i)
      doc.getArray(`list-${one.list}`).push([mapOf(one)])
    }
  })
  const view = shown()
  const list = doc.getArray(`list-${LIST}`)
  const read = () => list.slice(Math.max(0, list.length - SHOWN_MAX)).reverse()
  list.observe(() => {
    const now = read()
    view.deliver(now, now[0]?.get("id"))
  })
  return {
    add: (one) => view.measure(one.id, () => list.push([mapOf(one)])),
    titles: () => read().map((map) => map.get("title")),
    close: async () => doc.destroy(),
  }
}
