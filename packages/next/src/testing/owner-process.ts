// One of several processes that compete for one data directory and one document of it. It prints, a line each: its id;
// "refused CODE" as long as another owns them; "open N" with the records that it found; each record's number once it
// is durable; and "stopped CODE". Its second argument selects what it opens first: the directory or the document alone.
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { Streams, toLfError } from "@lf/core/internal"
import { acquireDirectory, openFsLog } from "../node/fs-log.ts"

const RETRY_MS = 20
const ROLLUP_EVERY = 20

const [dataDir, wanted] = process.argv.slice(2)
const say = (line: string | number) => process.stdout.write(`${line}\n`)

async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      say(`refused ${toLfError(error, "LOG_FAILED").code}`)
      await setTimeout(RETRY_MS)
    }
  }
}

say(`pid ${process.pid}`)
if (wanted === "directory") await patiently(() => acquireDirectory(dataDir))
const streams = new Streams(await patiently(() => openFsLog(join(dataDir, "docs", "d"))))
const journal = streams.journal("n", { encode: (bytes: Uint8Array) => bytes, decode: (bytes) => bytes })
say(`open ${journal.lsn()}`)
try {
  for (;;) {
    const lsn = journal.append(new Uint8Array(100))
    if (lsn % ROLLUP_EVERY === 0) await streams.rollup({ meta: new Uint8Array(0), pages: [new Uint8Array(4096)] })
    else await streams.flush()
    say(lsn)
  }
} catch (error) {
  say(`stopped ${toLfError(error, "LOG_FAILED").code}`)
}
// Deposed or not, it keeps running, as a server would.
await setTimeout(60_000)
