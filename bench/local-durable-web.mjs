// mutateAsync called until it resolves: the mutation survives a crash of the browser. Against one strict put of the same bytes.
import { row } from "./measure.mjs"
import { interleaveAsync } from "./turns.mjs"
import { call, openBrowser } from "./web.mjs"

const ROWS = 1_000
const PER_ROUND = 10

export async function run({ quick }) {
  const browser = await openBrowser(ROWS)
  try {
    const page = await browser.page("/?doc=doc")
    await call(page, "synced", ROWS)
    await call(page, "durable", PER_ROUND)
    const bytes = await call(page, "lastGroupBytes")
    const figures = await interleaveAsync(
      quick ? 3 : 10,
      () => call(page, "durable", PER_ROUND),
      () => call(page, "strictPut", PER_ROUND, bytes),
    )
    const expected = ROWS + figures.n + PER_ROUND
    if ((await browser.server.ask("rows", { docId: "doc" })) !== expected) throw new Error("a row is missing")
    const variant = `AddTodo, ${ROWS} rows`
    const peer = "IndexedDB strict put"
    return [{ ...row("local-durable-web", variant, "ms", figures, peer, "<= 1.5"), p99: figures.p99, bytes }]
  } finally {
    await browser.close()
  }
}
