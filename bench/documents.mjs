// Many open documents: what each costs to open and to keep, and how long the others' mutations take while one document takes large ones.
import { median, row } from "./measure.mjs"
import { entryOf, RawClient } from "./raw-client.mjs"
import { startServer, temporaryDirectory } from "./server.mjs"
import { todoId } from "./todos.mjs"

const ROWS = 100
const MB = 1_000_000
const OTHERS = 5
const WARM = 10

export async function run({ quick }) {
  const counts = quick ? [20] : [100, 1_000]
  const { directory, remove } = temporaryDirectory()
  const idOf = (i) => `doc-${i}`
  try {
    const all = Math.max(...counts)
    const seeding = await startServer(directory)
    for (let i = -WARM; i < all; i++) await seeding.ask("seed", { docId: idOf(i), rows: ROWS })
    await seeding.stop()
    const results = []
    for (const count of counts) results.push(...(await openMany(directory, count, idOf)))
    return [...results, await besideLarge(directory, idOf, quick)]
  } finally {
    remove()
  }
}

/** One after the other, each by a query. The later half against the first: what one costs does not depend on how many there are. */
async function openMany(directory, count, idOf) {
  const server = await startServer(directory)
  const half = count / 2
  const openHalf = async (from) => {
    const before = await server.ask("startMemory")
    const startedMs = performance.now()
    for (let i = from; i < from + half; i++) {
      if ((await server.ask("rows", { docId: idOf(i) })) !== ROWS) throw new Error(`${idOf(i)} has other rows`)
    }
    const ms = (performance.now() - startedMs) / half
    const after = await server.ask("startMemory")
    return { ms, mb: (after.rss - before.rss) / MB / half }
  }
  try {
    for (let i = 1; i <= WARM; i++) await server.ask("rows", { docId: idOf(-i) })
    const [first, later] = [await openHalf(0), await openHalf(half)]
    const figure = (name) => ({ value: later[name], peerValue: first[name], n: half })
    const peer = `each of the first ${half}`
    return [
      row("documents", `${count} opened, each of the last ${half}`, "ms", figure("ms"), peer, "<= 1.2"),
      row("documents", `${count} open, each of the last ${half}`, "MB", figure("mb"), peer, "<= 1.2"),
    ]
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
