// The growth curves of a server in a process of its own: its connected clients and its open documents.
import { watch } from "./fan-out.mjs"
import { median } from "./measure.mjs"
import { connectMany, entryOf } from "./raw-client.mjs"
import { startServer, temporaryDirectory } from "./server.mjs"
import { todo } from "./todos.mjs"

const MB = 1_000_000
const CLIENT_ROWS = 1_000
const DOCUMENT_ROWS = 100
/** Opened before the first that counts: by then a document's code is compiled. */
const DOCUMENTS_BEFORE = 10
/** Of the documents of a size, so many of the last ones say how long opening takes. */
const OPENINGS = 50

/** CPU of the server per mutation of one client, until all that are connected have it: [clients, microseconds, mutations]. */
export async function overClients(sizes, quick) {
  const figures = []
  for (const clients of sizes) {
    const { directory, remove } = temporaryDirectory()
    const server = await startServer(directory)
    try {
      figures.push([clients, ...(await cpuPerMutation(server, clients, quick))])
    } finally {
      await server.stop()
      remove()
    }
  }
  return figures
}

async function cpuPerMutation(server, count, quick) {
  await server.ask("seed", { docId: "doc", rows: CLIENT_ROWS })
  const clients = await connectMany(server.url, "doc", count)
  const audience = watch(clients)
  let next = CLIENT_ROWS
  const mutations = quick || count > 100 ? 20 : 100
  const round = async () => {
    const entries = Array.from({ length: mutations }, () => [entryOf("AddTodo", todo(next), next++)])
    const before = await server.ask("usage")
    for (const entry of entries) {
      const arrived = audience.reached(audience.cursor + 1)
      await clients[0].push(entry)
      await arrived
    }
    return ((await server.ask("usage")).cpuMicros - before.cpuMicros) / mutations
  }
  // The server's code is compiled by the first ones.
  for (let i = 0; i < 3; i++) await round()
  const micros = []
  for (let i = 0; i < 5; i++) micros.push(await round())
  audience.check()
  if ((await server.ask("rows", { docId: "doc" })) !== next) throw new Error("a mutation is missing")
  for (const client of clients) client.close()
  return [median(micros), mutations * micros.length]
}

/** What the open documents take each, and how long the last ones took to open: `{ mb, ms }`, each [documents, value, measurements]. */
export async function overDocuments(sizes) {
  const { directory, remove } = temporaryDirectory()
  try {
    const seeding = await startServer(directory)
    for (let i = 0; i < DOCUMENTS_BEFORE + Math.max(...sizes); i++)
      await seeding.ask("seed", { docId: idOf(i), rows: DOCUMENT_ROWS })
    await seeding.stop()
    const figures = { mb: [], ms: [] }
    for (const documents of sizes) {
      // The memory of one document is small beside what a process takes and gives back meanwhile.
      const rounds = documents === 1 ? 7 : documents === 10 ? 3 : 1
      const measured = []
      for (let i = 0; i < rounds; i++) measured.push(await openAll(directory, documents))
      for (const name of ["mb", "ms"]) figures[name].push([documents, median(measured.map((one) => one[name])), rounds])
    }
    return figures
  } finally {
    remove()
  }
}

async function openAll(directory, documents) {
  const server = await startServer(directory)
  const open = async (i) => {
    const startedMs = performance.now()
    if ((await server.ask("rows", { docId: idOf(i) })) !== DOCUMENT_ROWS) throw new Error(`${idOf(i)} has other rows`)
    return performance.now() - startedMs
  }
  try {
    for (let i = 0; i < DOCUMENTS_BEFORE; i++) await open(i)
    const before = await server.ask("startMemory")
    const openings = []
    for (let i = 0; i < documents; i++) openings.push(await open(DOCUMENTS_BEFORE + i))
    const after = await server.ask("startMemory")
    return { mb: (after.rss - before.rss) / MB / documents, ms: median(openings.slice(-OPENINGS)) }
  } finally {
    await server.stop()
  }
}

function idOf(i) {
  return `doc-${i}`
}
