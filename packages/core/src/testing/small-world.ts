import { z } from "zod"
import type { Host } from "../base/host.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { Session } from "../local/session.ts"
import { MemoryNetwork } from "../network/memory-network.ts"
import { ClientConnection } from "../remote/client-connection.ts"
import type { MayWrite } from "../remote/refused-ranges.ts"
import { Remote } from "../remote/remote.ts"
import type { RemoteOptions } from "../remote/remote-options.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { admission } from "../testing/admit.ts"
import { defineMutation, defineMutator, type Mutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { sqliteLoader } from "./sim-node.ts"

// One server and some clients in one process, in real time: for tests of one scene.

let loader: Promise<LoadSqlite> | null = null
export const loadSqlite: LoadSqlite = async () => {
  loader ??= sqliteLoader()
  return (await loader)()
}

export const host: Host = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

export const Add = defineMutation("Add", z.object({ id: z.string(), title: z.string() }), (tx, { id, title }) => {
  if (title === "bad" && tx.side === "remote") throw new Reject("not-welcome", { title })
  tx.run(sql`insert into todos (id, title, at) values (${id}, ${title}, ${tx.nowMs})`)
})
export const Toggle = defineMutation("Toggle", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`update todos set done = 1 - done where id = ${id}`)
})
export const mutator = defineMutator({
  migrations: [
    sql`create table todos (id text primary key, title text not null, done integer not null default 0, at integer) strict`,
  ],
  mutations: [Add, Toggle],
})

export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error("it did not come to hold")
}

export class World {
  readonly app: Mutator
  readonly #remoteOptions: Partial<RemoteOptions>
  /** What the server's `authorize` says of a mutation's name. */
  mayWrite: MayWrite = () => true
  serverDisk = new MemoryDisk()
  remote: Remote | null = null
  network = new MemoryNetwork((pipe) => {
    const admit = () => {
      if (this.remote === null) throw new Error("down")
      return { remote: this.remote, user: null, mayWrite: (name: string) => this.mayWrite(name) }
    }
    new ClientConnection({ pipe, host, admission: admission(admit) })
  })

  constructor(app = mutator, remoteOptions: Partial<RemoteOptions> = {}) {
    this.app = app
    this.#remoteOptions = remoteOptions
  }

  async startServer(): Promise<Remote> {
    const opened = await this.serverDisk.open("d")
    this.remote = await Remote.recover({ opened, loadSqlite, mutator: this.app, host, ...this.#remoteOptions })
    this.network.setOnline(true)
    return this.remote
  }

  async stopServer(): Promise<void> {
    this.network.setOnline(false)
    await this.remote?.close()
    this.remote = null
  }

  async client(disk = new MemoryDisk()): Promise<{ local: Local; session: Session; disk: MemoryDisk }> {
    const local = new Local({
      opened: await disk.open("d"),
      module: await loadSqlite(),
      mutator: this.app,
      host,
      user: null,
    })
    const session = new Session({ docId: "d", local, network: this.network, host, onChange: () => {} })
    return { local, session, disk }
  }
}

export const titles = (local: Local | Remote) =>
  local.query<{ title: string }>(sql`select title from todos order by id`).map((r) => r.title)
