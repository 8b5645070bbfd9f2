// AddTodo called in a page until its hook has the new row, through the SharedWorker; against a peer in the same page, each in a browser
// with ours.
import { row } from "./measure.mjs"
import { interleaveAsync } from "./turns.mjs"
import { call, openBrowser } from "./web.mjs"

const PER_ROUND = 10
const peers = [
  { script: "replicache", name: "Replicache" },
  { script: "powersync", name: "PowerSync" },
]

export async function run({ quick }) {
  const results = []
  for (const rows of quick ? [1_000] : [1_000, 100_000])
    for (const peer of peers) results.push(await measure({ rows, peer, rounds: quick ? 3 : 10 }))
  return results
}

async function measure({ rows, peer: { script, name }, rounds }) {
  const browser = await openBrowser(rows)
  try {
    const page = await browser.page("/?doc=doc")
    await call(page, "synced", rows)
    if ((await call(page, "openPeer", script, rows)) !== rows) throw new Error(`${name} has other rows`)
    // What the first calls compile.
    await call(page, "visible", PER_ROUND)
    await call(page, "visiblePeer", PER_ROUND)
    const figures = await interleaveAsync(
      rounds,
      () => call(page, "visible", PER_ROUND),
      () => call(page, "visiblePeer", PER_ROUND),
    )
    const added = figures.n + PER_ROUND
    if ((await browser.server.ask("rows", { docId: "doc" })) !== rows + added) throw new Error("a row is missing")
    if ((await call(page, "countPeer")) !== rows + added) throw new Error(`${name} misses a row`)
    const { p99 } = figures
    return { ...row("local-visible-web", `${name}, ${rows} rows`, "ms", figures, name, "<= 0.5"), p99 }
  } finally {
    await browser.close()
  }
}
