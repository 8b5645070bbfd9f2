// How figures grow with the document, its readers, what waits, and what a server has open. The peer of each is the same curve's
// smallest figure, so the ratio is the growth. Goals: at most twice where it must stay flat, in proportion (and a quarter)
// where it may follow n.

import { sql } from "@lf/core"
import { compileQuery, diffRows, loadChecksum, patchRows } from "@lf/core/internal"
import { LiveQueries } from "../packages/core/dist/local/live-queries.js"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { nodeHost } from "../packages/next/dist/node/node-host.js"
import { drained } from "./drain.mjs"
import { overClients, overDocuments } from "./growth-server.mjs"
import { cpuMicros, median, row } from "./measure.mjs"
import { frameOf, mutationOf, step } from "./server-step.mjs"
import { LISTS, mutator, random, seeded, todo, todoId } from "./todos.mjs"

const flat = () => "<= 2"
const linear = (n, first) => `<= ${(n / first) * 1.25}`

export async function run({ quick }) {
  await loadChecksum()
  const own = [
    ...(await overRows(quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000], quick ? 60 : 300)),
    ...(await overQueries([1, 10, 100, 1_000], quick)),
    ...(await overPending(quick ? [1, 10, 100, 1_000] : [1, 10, 100, 1_000, 10_000], quick)),
    ...(await overPatch(quick ? [1_000, 10_000] : [1_000, 10_000, 40_000, 100_000], quick ? 3 : 5)),
  ]
  const clients = await overClients(quick ? [1, 10, 100] : [1, 10, 100, 1_000], quick)
  const documents = await overDocuments(quick ? [1, 10] : [1, 10, 100, 1_000])
  return [
    ...own,
    ...curve("server per mutation, connected clients", "us CPU", clients, linear),
    ...curve("memory of each, open documents", "MB", documents.mb, flat),
    ...curve("opening one, open documents", "ms", documents.ms, flat),
  ]
}

/** `measure(n)` of each size, after one of the smallest that warms up and does not count. */
async function each(sizes, measure) {
  await measure(sizes[0])
  const measured = []
  for (const n of sizes) measured.push(await measure(n))
  return measured
}

/** `figures`: [n, value, how many measurements]. */
function curve(what, unit, figures, goal) {
  const [[first, firstValue]] = figures
  return figures.map(([n, value, count]) => {
    const figure = { value, peerValue: firstValue, n: count }
    return row("growth", `${what} at ${n}`, unit, figure, `at ${first}`, n === first ? undefined : goal(n, first))
  })
}

/** A step of the server and a rebase with one mutation pending, in documents of different sizes. */
async function overRows(sizes, count) {
  const measured = await each(sizes, async (rows) => {
    const server = await seeded(rows)
    const client = await clientOf(rows)
    const stepMicros = []
    const rebaseMicros = []
    const pick = random(7)
    for (let i = 1; i <= count; i++) {
      const mutation = mutationOf(i, "ToggleTodo", { id: todoId(pick(rows)) })
      let changeset
      stepMicros.push(
        cpuMicros(() => {
          changeset = step(server, [mutation], i)
          frameOf(changeset, i)
        }),
      )
      rebaseMicros.push(cpuMicros(() => client.rebase(changeset)))
    }
    if (client.checksum() !== server.storage.checksum) throw new Error("the client's base is not the server's")
    return { rows, step: median(stepMicros), rebase: median(rebaseMicros) }
  })
  const figures = (name) => measured.map((one) => [one.rows, one[name], count])
  return [
    ...curve("server step, rows", "us CPU", figures("step"), flat),
    ...curve("rebase of one change, rows", "us CPU", figures("rebase"), flat),
  ]
}

async function clientOf(rows) {
  const { storage, db } = await seeded(rows)
  const jobs = [{ mutation: mutationOf(1, "AddTodo", todo(rows)), author: null }]
  const run = () => applyGroup({ db, mutator, side: "local", jobs, pagesMax: db.pageCountMax })
  run()
  return {
    rebase(changeset) {
      storage.revert()
      storage.receive(changeset)
      db.resetCache()
      run()
    },
    checksum: () => storage.checksum,
  }
}

/** A toggle of any todo, each live query on a list of its own. */
async function overQueries(sizes, quick) {
  const rows = quick ? 10_000 : 100_000
  const figures = await each(sizes, async (queries) => {
    const { storage, db } = await seeded(rows)
    const live = new LiveQueries({ db, host: { monotonicMs: nodeHost.monotonicMs } })
    let delivered = 0
    for (let list = 0; list < queries; list++)
      live.listen(
        compileQuery(sql`select * from todos where list_id = ${list % LISTS} order by created_at desc limit 100`),
        () => {
          delivered++
        },
      )
    if (delivered !== queries) throw new Error(`expected ${queries} first results, got ${delivered}`)
    const pick = random(8)
    const count = quick ? 50 : 200
    const micros = []
    for (let i = 1; i <= count; i++) {
      const jobs = [{ mutation: mutationOf(i, "ToggleTodo", { id: todoId(pick(rows)) }), author: null }]
      micros.push(
        cpuMicros(() => {
          applyGroup({ db, mutator, side: "local", jobs, pagesMax: db.pageCountMax })
          live.notify(storage.takeChanges())
        }),
      )
    }
    return [queries, median(micros), count]
  })
  return curve("toggle, live queries", "us CPU", figures, flat)
}

/** From the connection to the last outcome, over a network in memory. */
async function overPending(sizes, quick) {
  const figures = await each(sizes, async (pending) => {
    const count = pending > 1_000 || quick ? 3 : 5
    const times = []
    for (let i = 0; i < count; i++) times.push(await drained(1_000, pending))
    return [pending, median(times), count]
  })
  return curve("drain, pending mutations", "ms", figures, linear)
}

/** Rows that all moved: the patch is made, and put on the old ones. */
async function overPatch(sizes, count) {
  const figures = await each(sizes, async (rows) => {
    const before = Array.from({ length: rows }, (_, i) => todo(i))
    const pick = random(9)
    const after = before.map((one) => ({ ...one })).sort(() => pick(1_000) - 500)
    const times = []
    for (let i = 0; i < count; i++) {
      let patched = []
      times.push(
        cpuMicros(() => {
          patched = patchRows(before, diffRows(before, after))
        }) / 1000,
      )
      if (patched.some((one, k) => one.id !== after[k].id)) throw new Error("the patch gives other rows")
    }
    return [rows, median(times), count]
  })
  return curve("patch, moved rows", "ms CPU", figures, linear)
}
