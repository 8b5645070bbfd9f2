// node children/visible.mjs <peer> <rows> <count>, started by local-visible.mjs: sends microseconds of each add, ours and the peer's.
import { answer } from "../apart.mjs"
import { openLf } from "../peers/lf.mjs"
import { nextTodo, SHOWN_MAX } from "../peers/shown.mjs"
import { todo } from "../todos.mjs"

/** Adds before the first that counts: everything is compiled by then, and the list has its 100 rows in every size. */
const WARM = SHOWN_MAX

const open = {
  tanstack: async (rows) => (await import("../peers/tanstack.mjs")).openTanStack(rows),
  rxdb: async (rows) => (await import("../peers/rxdb.mjs")).openRxdb(rows),
  replicache: async (rows) => (await import("../peers/replicache.mjs")).openReplicache(rows),
  pglite: async (rows) => (await import("../peers/pglite.mjs")).openPglite(rows),
  livestore: async (rows) => (await import("../peers/livestore.mjs")).openLiveStore(rows),
  zero: async (rows) => (await import("../peers/zero.mjs")).openZero(rows),
  powersync: async (rows) => (await import("../peers/powersync.mjs")).openPowerSync(rows),
  yjs: async (rows) => (await import("../peers/yjs.mjs")).openYjs(rows),
}

const [peer, ...numbers] = process.argv.slice(2)
const [rows, count] = numbers.map(Number)
answer(await compare())

/** One add of each in turn; whatever they still do after the delivery is over before the next. */
async function compare() {
  const ours = await openLf(rows)
  const theirs = await open[peer](rows)
  const figures = { ours: [], theirs: [] }
  for (let i = 0; i < WARM + count; i++) {
    const added = nextTodo(todo, rows + i)
    for (const [side, engine] of [
      ["ours", ours],
      ["theirs", theirs],
    ]) {
      const ms = await engine.add(added)
      if (i >= WARM) figures[side].push(ms * 1000)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  if (JSON.stringify(ours.titles()) !== JSON.stringify(theirs.titles()))
    throw new Error("the two live queries show different rows")
  await ours.close()
  await theirs.close()
  return figures
}
