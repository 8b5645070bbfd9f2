// The server that is flooded: lf on a plain HTTP server, real sockets, a real log, the default limits.
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineMutation, defineMutator, sql } from "@lf/core"
import { z } from "zod"
import { createLf } from "../../packages/next/src/create-lf.ts"

export const BIG = "big"
const SLOW_MS = 14
const BIG_ROWS = 100
const BIG_ROW_BYTES = 200 * 1024
/** What server.ts of the demo says too: a request whose headers do not come is dropped. */
const HEADERS_MS_MAX = 5_000

const Add = defineMutation("Add", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`insert into notes (id, body) values (${id}, '')`)
})
/** Noise that compresses to half of itself, as text does. */
const Fill = defineMutation("Fill", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`insert into notes (id, body) values (${id}, hex(randomblob(${BIG_ROW_BYTES / 2})))`)
})
/** An ordinary but slow mutation: a report, an import. */
const Slow = defineMutation("Slow", z.object({ id: z.string() }), (tx) => {
  const endMs = performance.now() + SLOW_MS
  while (performance.now() < endMs) tx.all(sql`select count(*) from notes`)
})
const mutator = defineMutator({
  migrations: [sql`create table notes (id text not null, body text not null) strict`],
  mutations: [Add, Fill, Slow],
})

export type FromServer =
  | { readonly type: "ready"; readonly port: number }
  | { readonly type: "memory"; readonly rss: number; readonly heap: number }
  | { readonly type: "rows"; readonly ids: readonly string[] }

export type ToServer = { readonly type: "rows"; readonly docId: string } | { readonly type: "stop" }

export async function serve(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "lf-flood-"))
  const lf = createLf({
    mutator,
    dataDir,
    trustProxy: 1, // so that attackers and users on one machine have addresses of their own
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    authorize: ({ principal, action }) => action !== "write" || principal?.id.startsWith("reader") !== true,
  })
  const big = lf.document(BIG, { as: "system" })
  for (let i = 0; i < BIG_ROWS; i++) await big.mutate(Fill, { id: `fill ${i}` })
  const server = createServer({ headersTimeout: HEADERS_MS_MAX, connectionsCheckingInterval: 1_000 })
  server.on("upgrade", () => {}) // as Next leaves alone what it does not know
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const send = (message: FromServer) => {
    if (process.connected) process.send?.(message)
  }
  setInterval(() => {
    const { rss, heapUsed, external } = process.memoryUsage()
    send({ type: "memory", rss, heap: heapUsed + external })
  }, 100).unref()
  process.on("message", async (message: ToServer) => {
    if (message.type === "rows") {
      const query = sql<{ id: string }>`select id from notes where body = ''`
      const rows = await lf.document(message.docId, { as: "system" }).query(query)
      send({ type: "rows", ids: rows.map(({ id }) => id) })
      return
    }
    server.close()
    await lf.close()
    server.closeAllConnections()
    await rm(dataDir, { recursive: true, force: true })
    process.exit(0)
  })
  send({ type: "ready", port: (server.address() as AddressInfo).port })
}
