// AddTodo called in a page until its hook has the new row, through the SharedWorker; against Replicache in the same page.
import { row } from "./measure.mjs"
import { interleaveAsync } from "./turns.mjs"
import { call, openBrowser } from "./web.mjs"

const PER_ROUND = 10

export async function run({ quick }) {
  const results = []
  for (const rows of quick ? [1_000] : [1_000, 100_000]) {
    const browser = await openBrowser(rows)
    try {
      const page = await browser.page("/?doc=doc")
      await call(page, "synced", rows)
      if ((await call(page, "openPeer", rows)) !== rows) throw new Error("Replicache has other rows")
      // What the first calls compile.
      await call(page, "visible", PER_ROUND)
      await call(page, "visiblePeer", PER_ROUND)
      const figures = await interleaveAsync(
        quick ? 3 : 10,
        () => call(page, "visible", PER_ROUND),
        () => call(page, "visiblePeer", PER_ROUND),
      )
      const added = figures.n + PER_ROUND
      if ((await browser.server.ask("rows", { docId: "doc" })) !== rows + added) throw new Error("a row is missing")
      if ((await call(page, "countPeer")) !== rows + added) throw new Error("Replicache misses a row")
      const { p99 } = figures
      results.push({ ...row("local-visible-web", `AddTodo, ${rows} rows`, "ms", figures, "Replicache", "<= 0.5"), p99 })
    } finally {
      await browser.close()
    }
  }
  return results
}
