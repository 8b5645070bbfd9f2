// A small app, a server of it and clients, on real sockets and real files.
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineMutation, defineMutator, Reject, sql } from "@lf/core"
import { Local, loadChecksum, MemoryDisk, type Network, type Presences, Remote, Session } from "@lf/core/internal"
import { z } from "zod"
import { createLf, type Lf, type LfOptions } from "../create-lf.ts"
import type { Lease, Rooms } from "../documents/rooms.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { wsNetwork } from "../node/ws-network.ts"

export interface User {
  readonly id: string
}

export const SLOW_MS = 60

export const Add = defineMutation("Add", z.object({ id: z.string(), title: z.string() }), (tx, { id, title }) => {
  if (title === "bad" && tx.side === "remote") throw new Reject("not-welcome", { title })
  tx.run(sql`insert into todos (id, title, author) values (${id}, ${title}, ${tx.user})`)
})
const Spin = defineMutation("Spin", z.object({}), (tx) => {
  if (tx.side === "remote") for (;;);
})
const Slow = defineMutation("Slow", z.object({ id: z.string() }), (tx, { id }) => {
  const endMs = performance.now() + (tx.side === "remote" ? SLOW_MS : 0)
  while (performance.now() < endMs);
  tx.run(sql`insert into todos (id, title) values (${id}, ${id})`)
})
export const Remove = defineMutation("Remove", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`delete from todos where id = ${id}`)
})
/** Who it says it is, when the server received it, and where it runs. */
export const Sign = defineMutation("Sign", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`insert into todos (id, title) values (${id}, ${JSON.stringify([tx.principal, tx.receivedMs - tx.nowMs])})`)
})
/** Small to send, large to keep. */
const Fill = defineMutation("Fill", z.object({}), (tx) => {
  tx.run(sql`insert into todos (id, title) with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
    select i, (i * 2654435761) % 4294967296 from n`)
})
/** Stands for a mutation that exhausts memory: it cannot be caught. */
const Kill = defineMutation("Kill", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`insert into todos (id, title) values (${id}, ${id})`)
  if (tx.side === "remote") process.kill(process.pid, "SIGKILL")
})

export const mutator = defineMutator({
  // No unique key: a mutation that is applied twice shows twice.
  migrations: [sql`create table todos (id text not null, title text not null, author text) strict`],
  mutations: [Add, Spin, Slow, Remove, Sign, Fill, Kill],
})

export const titlesQuery = sql<{ title: string }>`select title from todos order by id`

export async function until(holds: () => boolean | Promise<boolean>, whatFor: string, msMax = 15_000): Promise<void> {
  const endMs = performance.now() + msMax
  while (performance.now() < endMs) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`it did not come to be: ${whatFor}`)
}

/** Undone in reverse order by `cleanUp`. */
const undos: (() => unknown)[] = []

export async function cleanUp(): Promise<void> {
  for (const undo of undos.splice(0).reverse()) await undo()
}

export function later(undo: () => unknown): void {
  undos.push(undo)
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "lf-next-"))
  later(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface TestServer {
  readonly lf: Lf<User>
  readonly server: Server
  readonly dataDir: string
  readonly port: number
  readonly path: string
  readonly url: string
  stop(): Promise<void>
}

/** Adds a row as this process's mutation. */
export async function addTo(rooms: Rooms, docId: string, id: string): Promise<void> {
  const { document, leave } = await rooms.enter(docId, { create: true })
  const { type } = await document.mutate("Add", { id, title: id }, null)
  leave()
  if (type !== "applied") throw new Error(`the row ${id} was ${type}`)
}

/** The durable rows' ids, in order. */
export async function idsIn(rooms: Rooms, docId: string): Promise<string[]> {
  const { document, leave } = await rooms.enter(docId, { create: false })
  const { rows } = await document.readAt(sql<{ id: string }>`select id from todos order by id`)
  leave()
  return rows.map(({ id }) => id)
}

/** What this process owns: files always are. */
export function ownedOf({ document }: Lease): Remote {
  if (document instanceof Remote) return document
  throw new Error("another server owns the document")
}

let paths = 0

/** A plain HTTP server that lf's wrapper serves. A client's `token` is its user's id. */
export async function startServer(options: Partial<LfOptions<User>> & { port?: number } = {}): Promise<TestServer> {
  const { port: wantedPort = 0, ...lfOptions } = options
  const dataDir = options.dataDir ?? (await temporaryDirectory())
  const path = options.path ?? `/lf-${++paths}`
  const lf = createLf<User>({
    mutator,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    authorize: () => true,
    ...lfOptions,
    ...(options.store === undefined ? { dataDir } : {}),
    path,
  })
  const server = createServer((_request, response) => response.end("plain"))
  // Node emits "upgrade" only to servers that have a listener, as every Next server does.
  server.on("upgrade", (_request, socket) => socket.destroy())
  await listening(server, wantedPort)
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    const isDown = new Promise((resolve) => server.close(resolve))
    await lf.close()
    server.closeAllConnections()
    await isDown
  }
  later(stop)
  return { lf, server, dataDir, port, path, url: `ws://127.0.0.1:${port}${path}`, stop }
}

export interface TestClient {
  readonly local: Local
  readonly session: Session
  add(id: string, title?: string): ReturnType<Local["run"]>
  titles(): string[]
}

export async function startClient(
  network: Network | string,
  options: { docId?: string; user?: string; disk?: MemoryDisk; presences?: Presences } = {},
): Promise<TestClient> {
  const { docId = "doc", user = null, disk = new MemoryDisk(), presences } = options
  await loadChecksum()
  const local = new Local({ opened: await disk.open(docId), module: await loadSqlite(), mutator, host: nodeHost, user })
  const session = new Session({
    docId,
    local,
    network: typeof network === "string" ? wsNetwork(network) : network,
    host: nodeHost,
    token: async () => user,
    onChange: () => {},
    ...(presences === undefined ? {} : { presences }),
  })
  later(() => session.stop())
  return {
    local,
    session,
    add: (id, title = id) => local.run("Add", { id, title }),
    titles: () => local.query(titlesQuery).map(({ title }) => title),
  }
}

/** A port that is wanted again may be another test's for a moment. */
async function listening(server: Server, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const error = await new Promise<Error | null>((resolve) => {
      server.once("error", resolve)
      server.listen(port, "127.0.0.1", () => resolve(null))
    })
    if (error === null) return
    if (tries >= 100) throw error
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
