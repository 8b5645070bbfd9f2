// Durable mutations per second of one document. Each client has one mutation under way and makes the next when the server has
// that one on its disk. Against appends of the same size, and against a transaction each in better-sqlite3.
// Real clients share this process and its thread; raw ones show what the server does without them. In the bare server of the other
// rows, and in the demo's Next server.
import { closeSync, fdatasyncSync, openSync, readdirSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import Better from "better-sqlite3"
import { row } from "./measure.mjs"
import { connectMany, entryOf } from "./raw-client.mjs"
import { realClient } from "./real-client.mjs"
import { startNextServer, startServer, temporaryDirectory } from "./server.mjs"
import { SCHEMA, todo } from "./todos.mjs"
import { interleaveAsync } from "./turns.mjs"

const ROWS = 1_000
const SYNCED = "append + fdatasync"
const BETTER = "better-sqlite3 WAL FULL"
const CASES = [
  { clients: 1, writers: realWriters, kind: "client", peer: SYNCED, goal: ">= 0.5" },
  { clients: 1, writers: rawWriters, kind: "raw client", peer: SYNCED, goal: ">= 0.5" },
  { clients: 10, writers: realWriters, kind: "clients", peer: BETTER, goal: ">= 2" },
  { clients: 10, writers: rawWriters, kind: "raw clients", peer: BETTER, goal: ">= 2" },
  { clients: 1_000, writers: rawWriters, kind: "raw clients", peer: BETTER, goal: ">= 3" },
  { clients: 1_000, writers: rawReaders, kind: "raw clients that get each other's", peer: BETTER, goal: ">= 3" },
]
const NEXT_CASES = [
  { clients: 1, writers: rawWriters, kind: "raw client in Next", peer: SYNCED, goal: ">= 0.5" },
  { clients: 10, writers: rawWriters, kind: "raw clients in Next", peer: BETTER, goal: ">= 2" },
  { clients: 1_000, writers: rawWriters, kind: "raw clients in Next", peer: BETTER, goal: ">= 3" },
]

export async function run({ quick }) {
  const results = []
  for (const one of CASES) results.push(await measure(one, startServer, quick))
  if (!quick) for (const one of NEXT_CASES) results.push(await measure(one, startNextServer, quick))
  return results
}

async function measure({ clients, writers: open, kind, peer, goal }, start, quick) {
  const count = quick ? Math.min(clients, 100) : clients
  const perRound = Math.max(quick ? 40 : 500, count * (quick ? 3 : 5))
  const { directory, remove } = temporaryDirectory()
  const dataDir = join(directory, "lf")
  const server = await start(dataDir)
  const bare = openPeers(directory)
  try {
    await server.ask("seed", { docId: "doc", rows: ROWS })
    const writers = await open(server.url, count)
    let next = ROWS
    const ours = async () => {
      const work = writers.prepare(Array.from({ length: perRound }, () => todo(next++)))
      const startedMs = performance.now()
      await work()
      return (perRound / (performance.now() - startedMs)) * 1_000
    }
    const before = logBytes(dataDir)
    await ours()
    const bytes = Math.round((logBytes(dataDir) - before) / perRound)
    if (bytes <= 0) throw new Error("a checkpoint was written before the size of a record was known")
    const syncs = quick ? 100 : 500
    const peers = async () => (peer === SYNCED ? bare.append(syncs, bytes) : bare.transactions(syncs))
    const figures = await interleaveAsync(quick ? 2 : 5, ours, peers)
    if ((await server.ask("rows", { docId: "doc" })) !== next) throw new Error("a mutation is missing")
    await writers.close()
    return row("server-throughput", `${count} ${kind}`, "mutations/s", figures, peer, goal)
  } finally {
    await server.stop()
    bare.close()
    remove()
  }
}

async function realWriters(url, count) {
  const clients = await Promise.all(Array.from({ length: count }, () => realClient(url, "doc")))
  return {
    prepare: (todos) => () =>
      Promise.all(
        clients.map(async ({ local }, at) => {
          for (const args of shareOf(todos, at, count)) {
            const outcome = await local.run("AddTodo", args).remote
            if (outcome.type !== "applied") throw new Error(`AddTodo: ${outcome.code}`)
          }
        }),
      ),
    close: () => Promise.all(clients.map((client) => client.close())),
  }
}

async function rawWriters(url, count) {
  const clients = await connectMany(url, "doc", count)
  let made = 0
  return {
    clients,
    prepare(todos) {
      const entries = todos.map((args) => [entryOf("AddTodo", args, made++)])
      return () =>
        Promise.all(
          clients.map(async (client, at) => {
            for (const entry of shareOf(entries, at, count)) await client.push(entry)
          }),
        )
    },
    close() {
      for (const client of clients) client.close()
    },
  }
}

async function rawReaders(url, count) {
  const writers = await rawWriters(url, count)
  for (const client of writers.clients) client.listen()
  return writers
}

function shareOf(all, at, count) {
  return all.filter((_, i) => i % count === at)
}

/** Of the newest log of the one document. */
function logBytes(dataDir) {
  const files = readdirSync(dataDir, { recursive: true }).filter((name) => /(^|\/)log-\d+$/.test(name))
  return Math.max(...files.map((name) => statSync(join(dataDir, name)).size))
}

function openPeers(directory) {
  const file = openSync(join(directory, "appended"), "w")
  const db = new Better(join(directory, "better.db"))
  db.pragma("journal_mode = wal")
  db.pragma("synchronous = full")
  for (const text of SCHEMA) db.exec(text)
  const add = db.prepare("insert into todos values (?, ?, ?, 0, ?)")
  let next = 0
  const insert = () => {
    const { id, list, title, at } = todo(next++)
    add.run(id, list, title, at)
  }
  db.transaction(() => {
    for (let i = 0; i < ROWS; i++) insert()
  })()
  const perSecond = (count, work) => {
    const startedMs = performance.now()
    for (let i = 0; i < count; i++) work()
    return (count / (performance.now() - startedMs)) * 1_000
  }
  return {
    append(count, bytes) {
      const record = Buffer.alloc(bytes, 7)
      return perSecond(count, () => {
        writeSync(file, record)
        fdatasyncSync(file)
      })
    },
    transactions: (count) => perSecond(count, insert),
    close() {
      closeSync(file)
      db.close()
    },
  }
}
