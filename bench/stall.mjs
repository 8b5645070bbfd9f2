// A checkpoint of a large document: the worst stall of the server's event loop, and the longest wait of a mutation meanwhile.
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { row } from "./measure.mjs"
import { entryOf, RawClient } from "./raw-client.mjs"
import { startServer, temporaryDirectory } from "./server.mjs"
import { todoId } from "./todos.mjs"

const GOAL_MS = 50
const ROWS_PER_MB = 6_900
const NOISE_BYTES = 250_000
const SMALL_NOISE_BYTES = 8_000
/** Of the log's bytes at which a checkpoint is due: from here on it is approached in small steps. */
const NEAR = 0.9
const WAIT_MS_MAX = 60_000

export async function run({ quick }) {
  const megabytes = quick ? 12 : 100
  const rows = megabytes * ROWS_PER_MB
  const { directory, remove } = temporaryDirectory()
  try {
    const seeding = await startServer(directory)
    await seeding.ask("seed", { docId: "doc", rows })
    await seeding.stop()
    return await measure({ directory, megabytes, rows })
  } finally {
    remove()
  }
}

async function measure({ directory, megabytes, rows }) {
  const server = await startServer(directory)
  try {
    await server.ask("rows", { docId: "doc" })
    const writer = await connected(server.url)
    const bulk = await connected(server.url)
    let made = 0
    const noise = (bytes) => bulk.push([entryOf("WriteNoise", { id: "noise", bytes }, `noise ${made++}`)])
    // One checkpoint shows how long the log is when the next one is due.
    let due = 0
    for (const { generation } = filesOf(directory); filesOf(directory).generation === generation; ) {
      due = filesOf(directory).logBytes
      await noise(NOISE_BYTES)
    }
    const before = filesOf(directory)
    while (filesOf(directory).logBytes < due * NEAR && filesOf(directory).generation === before.generation)
      await noise(NOISE_BYTES)
    if (filesOf(directory).generation !== before.generation) throw new Error("the checkpoint came too early")

    await server.ask("resetDelay")
    let isOver = false
    const waits = []
    const writing = (async () => {
      for (let i = 0; !isOver; i++) {
        const startedMs = performance.now()
        await writer.push([entryOf("ToggleTodo", { id: todoId((i * 7919) % rows) }, `toggle ${i}`)])
        waits.push(performance.now() - startedMs)
      }
    })()
    const endMs = performance.now() + WAIT_MS_MAX
    while (filesOf(directory).generation === before.generation) {
      if (performance.now() > endMs) throw new Error("no checkpoint was written")
      await noise(SMALL_NOISE_BYTES)
    }
    // What the checkpoint leaves behind: a mutation that waited, pages to be freed.
    await sleep(500)
    isOver = true
    await writing
    const delayMsMax = await server.ask("delayMsMax")
    writer.close()
    bulk.close()
    if ((await server.ask("rows", { docId: "doc" })) !== rows + 1) throw new Error("a row is missing")
    const figure = (value) => ({ value, peerValue: GOAL_MS, n: waits.length })
    const variant = `checkpoint of ${Math.round(filesOf(directory).mainBytes / 1e6)} MB`
    if (filesOf(directory).mainBytes < megabytes * 0.8e6) throw new Error("the document is smaller than it should be")
    return [
      row("stall", `${variant}, event loop`, "ms", figure(delayMsMax), "the goal", "<= 1"),
      row("stall", `${variant}, longest wait of a mutation`, "ms", figure(Math.max(...waits)), "the goal", "<= 1"),
    ]
  } finally {
    await server.stop()
  }
}

/** A client that has the document already. */
async function connected(url) {
  const first = await RawClient.connect(url, { docId: "doc" })
  first.close()
  return await RawClient.connect(url, { docId: "doc", like: first.welcome })
}

/** The newest generation of the one document, its log and its pages. */
function filesOf(directory) {
  const names = readdirSync(directory, { recursive: true })
  const newest = (pattern) =>
    names
      .flatMap((name) => {
        const found = pattern.exec(name)
        return found === null ? [] : [{ name, generation: Number(found[1]) }]
      })
      .sort((a, b) => b.generation - a.generation)
      .at(0)
  const log = newest(/(?:^|\/)log-(\d+)$/)
  const main = newest(/(?:^|\/)main-(\d+)\.db$/)
  const bytesOf = (file) => (file === undefined ? 0 : statSync(join(directory, file.name)).size)
  return { generation: log?.generation ?? 0, logBytes: bytesOf(log), mainBytes: bytesOf(main) }
}
