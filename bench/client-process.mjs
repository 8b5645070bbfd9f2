// A real client in a process of its own, so that its memory is its own: syncs a document and says how long it took.
import { createServer } from "node:http"
import { sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { loadSqlite } from "@lf/next/node"
import { memory, startMemory } from "./memory.mjs"
import { realClient } from "./real-client.mjs"
import { answerRequests } from "./requests.mjs"

await loadChecksum()
// What every client has before its first byte.
await loadSqlite()
const requests = {
  usage: () => memory(),
  startMemory,
  async sync({ url, docId }) {
    globalThis.gc?.()
    const startedMs = performance.now()
    const { local, close } = await realClient(url, docId)
    const ms = performance.now() - startedMs
    const [{ n }] = local.query(sql`select count(*) as n from todos`)
    const { pageCount, checksum } = local.base
    await close()
    return { ms, rows: n, bytes: pageCount * 4096, checksum: String(checksum) }
  },
  stop: () => setImmediate(() => process.disconnect()),
}
answerRequests(requests)
// The parent waits for a port from every child.
const server = createServer()
server.listen(0, "127.0.0.1", () => {
  process.send({ port: server.address().port })
  server.close()
})
