// Many open documents: what each costs to open and to keep, and how long the others' mutations take while one document takes large ones.
import { median, row } from "./measure.mjs"
import { entryOf, RawClient } from "./raw-client.mjs"
import { startServer, temporaryDirectory } from "./server.mjs"
import { todoId } from "./todos.mjs"

const ROWS = 100
const MB = 1_000_000
const OTHERS = 5
const WARM = 5

export async function run({ quick }) {
  const counts = quick ? [10, 30] : [10, 100, 1_000]
  const { directory, remove } = temporaryDirectory()
  const idOf = (i) => `doc-${i}`
  try {
    const all = Math.max(...counts)
    const seeding = await startServer(directory)
    for (let i = -WARM; i < all; i++) await seeding.ask("seed", { docId: idOf(i), rows: ROWS })
    await seeding.stop()
    const opened = []
    for (const count of counts) opened.push({ count, ...(await openMany(directory, count, idOf)) })
    const [fewest, ...more] = opened
    const results = more.flatMap(({ count, ms, mb }) => {
      const peer = `each of ${fewest.count}`
      const figure = (value, peerValue) => ({ value, peerValue, n: count })
      return [
        row("documents", `${count} opened, each`, "ms", figure(ms, fewest.ms), peer, "<= 1.2"),
        row("documents", `${count} open, each`, "MB", figure(mb, fewest.mb), peer, "<= 1.2"),
      ]
    })
    return [...results, await besideLarge(directory, idOf, quick)]
  } finally {
    remove()
  }
}

/** One after the other, each by a query, in a server that has opened others before. */
async function openMany(directory, count, idOf) {
  const server = await startServer(directory)
  try {
    for (let i = 1; i <= WARM; i++) await server.ask("rows", { docId: idOf(-i) })
    const before = await server.ask("startMemory")
    const startedMs = performance.now()
    for (let i = 0; i < count; i++) {
      if ((await server.ask("rows", { docId: idOf(i) })) !== ROWS) throw new Error(`${idOf(i)} has other rows`)
    }
    const ms = (performance.now() - startedMs) / count
    const after = await server.ask("usage")
    return { ms, mb: (after.rss - before.rss) / MB / count }
  } finally {
    await server.stop()
  }
}

/** Others' mutations with and without a document beside them that takes mutations of 1 MB without a pause. */
async function besideLarge(directory, idOf, quick) {
  const server = await startServer(directory)
  try {
    const others = []
    for (let i = 0; i < OTHERS; i++) others.push(await RawClient.connect(server.url, { docId: idOf(i) }))
    const large = await RawClient.connect(server.url, { docId: idOf(OTHERS) })
    let made = 0
    const waitsOfOthers = async () => {
      const waits = []
      for (let i = 0; i < (quick ? 10 : 100); i++) {
        for (const client of others) {
          const entry = entryOf("ToggleTodo", { id: todoId(i % ROWS) }, `toggle ${made++}`)
          const startedMs = performance.now()
          await client.push([entry])
          waits.push(performance.now() - startedMs)
        }
      }
      return median(waits)
    }
    const alone = []
    const beside = []
    for (let round = 0; round < 3; round++) {
      alone.push(await waitsOfOthers())
      let isOver = false
      const writing = (async () => {
        while (!isOver) await large.push([entryOf("WriteNoise", { id: "large", bytes: MB }, `noise ${made++}`)])
      })()
      beside.push(await waitsOfOthers())
      isOver = true
      await writing
    }
    for (const client of [...others, large]) client.close()
    const figures = { value: median(beside), peerValue: median(alone), n: beside.length }
    const variant = "others' p50 beside mutations of 1 MB"
    return row("documents", variant, "ms", figures, "without them", undefined)
  } finally {
    await server.stop()
  }
}
