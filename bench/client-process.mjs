// A real client in a process of its own, so that its memory is its own: syncs a document and says how long it took.
import { createServer } from "node:http"
import { sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { loadSqlite } from "@lf/next/node"
import { median } from "./measure.mjs"
import { memory, startMemory } from "./memory.mjs"
import { realClient } from "./real-client.mjs"
import { answerRequests } from "./requests.mjs"

await loadChecksum()
// What every client has before its first byte.
await loadSqlite()
const requests = {
  usage: () => memory(),
  startMemory,
  /** `list`: the newest 100 of this list and of nine more are shown as well, by live queries. */
  async sync({ url, docId, list = null }) {
    globalThis.gc?.()
    const startedMs = performance.now()
    const { local, close } = await realClient(url, docId)
    const ms = performance.now() - startedMs
    const { rssMax } = memory()
    const shown = list === null ? null : await show(local, list)
    const [{ n }] = local.query(sql`select count(*) as n from todos`)
    const { pageCount, checksum } = local.base
    await close()
    return { ms, rssMax, rows: n, bytes: pageCount * 4096, checksum: String(checksum), shown }
  },
  stop() {
    setImmediate(() => process.disconnect())
  },
}

/** Milliseconds until a live query has its first rows: the median of ten lists. */
async function show(local, list) {
  const times = []
  let rows = 0
  for (let i = 0; i < 10; i++) {
    const query = sql`select id, done, created_at from todos where list_id = ${list + i} order by created_at desc limit 100`
    const startedMs = performance.now()
    const result = await new Promise((resolve) => local.subscribe(query, resolve))
    times.push(performance.now() - startedMs)
    if (result.type !== "rows") throw new Error(`the live query has ${result.type}`)
    rows = result.rows.length
  }
  return { ms: median(times), rows }
}

answerRequests(requests)
// The parent waits for a port from every child.
const server = createServer()
server.listen(0, "127.0.0.1", () => {
  process.send({ port: server.address().port })
  server.close()
})
