// AddTodo on one client until the live query of another has the row, through a real server with its log on disk. Against what has to
// happen in any case: one fdatasync, and a WebSocket's way to a server and back.

import { once } from "node:events"
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { WebSocket } from "ws"
import { LIST, watch } from "./live-list.mjs"
import { median, row } from "./measure.mjs"
import { realClient } from "./real-client.mjs"
import { startBareServer, startServer, temporaryDirectory } from "./server.mjs"
import { todo } from "./todos.mjs"
import { percentile } from "./turns.mjs"

/** What a record of one AddTodo takes in the log, about. */
const RECORD_BYTES = 600
/** What the goal allows on top. */
const EXTRA_MS = 1

export async function run({ quick }) {
  const rows = quick ? 1_000 : 10_000
  const rounds = quick ? 60 : 300
  const { directory, remove } = temporaryDirectory()
  const server = await startServer(join(directory, "lf"))
  const bare = await startBareServer()
  const file = openSync(join(directory, "appended"), "w")
  try {
    await server.ask("seed", { docId: "doc", rows })
    const [author, reader] = await Promise.all([realClient(server.url, "doc"), realClient(server.url, "doc")])
    const live = watch(reader.local)
    const echo = await echoer(bare.port)
    const own = []
    const flushes = []
    const echoes = []
    let next = rows
    for (let round = -10; round < rounds; round++) {
      const args = { ...todo(next++), list: LIST }
      const startedMs = performance.now()
      const seen = live.shows(args.id)
      const { remote } = author.local.run("AddTodo", args)
      const ms = (await seen) - startedMs
      if ((await remote).type !== "applied") throw new Error("AddTodo was rejected")
      const flushMs = append(file)
      const echoMs = await echo.once()
      if (round < 0) continue
      own.push(ms)
      flushes.push(flushMs)
      echoes.push(echoMs)
    }
    live.check(next - rows, rows)
    echo.close()
    await Promise.all([author.close(), reader.close()])
    const floorMs = median(flushes) + median(echoes)
    const figures = { value: median(own), peerValue: floorMs + EXTRA_MS, n: rounds }
    const peer = `fdatasync + echo + ${EXTRA_MS} ms`
    const extra = { p99: percentile(own, 0.99), fdatasyncMs: median(flushes), echoMs: median(echoes) }
    return [{ ...row("remote-visible", `AddTodo, ${rows} rows`, "ms", figures, peer, "<= 1"), ...extra }]
  } finally {
    closeSync(file)
    await Promise.all([server.stop(), bare.stop()])
    remove()
  }
}

function append(file) {
  const startedMs = performance.now()
  writeSync(file, Buffer.alloc(RECORD_BYTES, 7))
  fdatasyncSync(file)
  return performance.now() - startedMs
}

async function echoer(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
  await once(socket, "open")
  const message = Buffer.alloc(200, "e")
  return {
    async once() {
      const startedMs = performance.now()
      socket.send(message)
      await once(socket, "message")
      return performance.now() - startedMs
    },
    close: () => socket.terminate(),
  }
}
