// A page's navigation until its hook has rows of a stored document, in a new worker; against a page that fetches and compiles the
// wasm and reads the same bytes.
import { setTimeout as sleep } from "node:timers/promises"
import { row } from "./measure.mjs"
import { interleaveAsync } from "./turns.mjs"
import { call, openBrowser } from "./web.mjs"

/** So that the worker of the last page has ended. */
const WORKER_ENDS_MS = 1_000

export async function run({ quick }) {
  const results = []
  for (const rows of quick ? [10_000] : [10_000, 100_000]) {
    const browser = await openBrowser(rows)
    try {
      const first = await browser.page("/?doc=doc")
      await call(first, "synced", rows)
      await call(first, "visible", 1)
      const { count } = await call(first, "firstRows")
      await first.close()
      let storedBytes = 0
      const figures = await interleaveAsync(
        quick ? 2 : 7,
        async () => {
          await sleep(WORKER_ENDS_MS)
          const page = await browser.page("/?doc=doc")
          const shown = await call(page, "firstRows")
          await page.close()
          if (shown.count < count) throw new Error(`the page shows ${shown.count} rows, not ${count}`)
          return shown.ms
        },
        async () => {
          await sleep(WORKER_ENDS_MS)
          const page = await browser.page("/floor")
          const { ms, bytes } = await call(page, "loaded")
          await page.close()
          storedBytes = bytes
          return ms
        },
      )
      if (storedBytes < rows * 50) throw new Error(`only ${storedBytes} bytes are stored`)
      const peer = "wasm and stored bytes"
      results.push({ ...row("reopen-web", `${rows} rows`, "ms", figures, peer, "<= 1.3"), storedBytes })
    } finally {
      await browser.close()
    }
  }
  return results
}
