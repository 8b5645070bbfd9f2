// One change to many connected clients, until the last one has it; and changes one after the other. Against a server of `ws` alone
// that sends the same bytes to as many sockets in a loop.
import { WebSocket } from "ws"
import { decodeMessage } from "../packages/core/dist/network/codec.js"
import { row } from "./measure.mjs"
import { connectMany, entryOf, RawClient } from "./raw-client.mjs"
import { startBareServer, startServer, temporaryDirectory } from "./server.mjs"
import { todo } from "./todos.mjs"
import { interleaveAsync } from "./turns.mjs"

const ROWS = 1_000
const WRITERS = 10

export async function run({ quick }) {
  const count = quick ? 200 : 1_000
  const changes = quick ? 200 : 500
  const { directory, remove } = temporaryDirectory()
  const server = await startServer(directory)
  const bare = await startBareServer()
  try {
    await server.ask("seed", { docId: "doc", rows: ROWS })
    const readers = await connectMany(server.url, "doc", count)
    const writers = await connectMany(server.url, "doc", WRITERS)
    const sockets = await connectBare(`ws://127.0.0.1:${bare.port}`, count)
    const audience = watch(readers)
    let next = ROWS
    const entry = () => [entryOf("AddTodo", todo(next), next++)]
    const oneChange = async () => {
      const change = entry()
      const startedMs = performance.now()
      const arrived = audience.reached(audience.cursor + 1)
      const pushed = writers[0].push(change)
      const endedMs = await arrived
      await pushed
      return endedMs - startedMs
    }
    for (let i = 0; i < 20; i++) await oneChange()
    const bytes = audience.frame()
    const oneLoop = () => sockets.broadcast(1, bytes)
    for (let i = 0; i < 20; i++) await oneLoop()
    const latency = await interleaveAsync(quick ? 30 : 60, oneChange, oneLoop)

    const sustained = await interleaveAsync(
      3,
      async () => {
        const entries = Array.from({ length: changes }, entry)
        const startedMs = performance.now()
        await Promise.all(
          writers.map(async (writer, at) => {
            for (let i = at; i < changes; i += WRITERS) await writer.push(entries[i])
          }),
        )
        const endedMs = await audience.reached(await positionOf(server.url))
        return ((changes * count) / (endedMs - startedMs)) * 1_000
      },
      async () => ((changes * count) / (await sockets.broadcast(changes, bytes))) * 1_000,
    )
    audience.check()
    if ((await server.ask("rows", { docId: "doc" })) !== next) throw new Error("a change is missing")
    for (const client of [...readers, ...writers]) client.close()
    sockets.close()
    const peer = "ws.send loop"
    return [
      { ...row("fan-out", `one change, ${count} clients`, "ms", latency, peer, "<= 1.5"), p99: latency.p99 },
      row("fan-out", `sustained, ${count} clients, ${WRITERS} writers`, "changes got/s", sustained, peer, ">= 3"),
    ]
  } finally {
    await Promise.all([server.stop(), bare.stop()])
    remove()
  }
}

/** Follows what the readers have; a client may get several changes in one frame. */
export function watch(readers) {
  let frame = null
  let target = Number.POSITIVE_INFINITY
  let missing = 0
  let lastAtMs = 0
  let done = () => {}
  for (const reader of readers) {
    let had = reader.cursor
    reader.listen((to, data) => {
      frame = data
      lastAtMs = performance.now()
      const isNew = had < target && to >= target
      had = to
      if (isNew) missing--
      if (isNew && missing === 0) done()
    })
  }
  return {
    get cursor() {
      return Math.max(...readers.map(({ cursor }) => cursor))
    },
    /** Resolves with the time when all are at `position`. */
    async reached(position) {
      target = position
      missing = readers.filter(({ cursor }) => cursor < position).length
      if (missing > 0) {
        await new Promise((resolve) => {
          done = resolve
        })
      }
      return lastAtMs
    },
    frame: () => Buffer.from(frame),
    check() {
      const { changeset } = decodeMessage(new Uint8Array(frame))
      if (changeset.pages.length === 0) throw new Error("the last change has no pages")
    },
  }
}

/** Sockets to the bare server. `broadcast` answers the milliseconds until the last socket has all. */
async function connectBare(url, count) {
  let missing = 0
  let done = () => {}
  const sockets = []
  for (let i = 0; i < count; i++) {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    sockets.push(socket)
    socket.on("message", () => {
      missing--
      if (missing === 0) done()
    })
    await new Promise((resolve) => socket.once("open", resolve))
  }
  return {
    async broadcast(times, bytes) {
      const head = Buffer.alloc(5, "b")
      head.writeUInt32LE(times, 1)
      const request = Buffer.concat([head, bytes])
      missing = times * count
      const startedMs = performance.now()
      await new Promise((resolve) => {
        done = resolve
        sockets[0].send(request)
      })
      return performance.now() - startedMs
    },
    close() {
      for (const socket of sockets) socket.terminate()
    },
  }
}

/** Where the document is now: what a client that connects is welcomed with. */
async function positionOf(url) {
  const client = await RawClient.connect(url, { docId: "doc" })
  client.close()
  return client.welcome.lsn
}
