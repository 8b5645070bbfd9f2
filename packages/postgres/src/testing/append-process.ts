// Appends to one document until it is killed. It prints a line for each step: "started", "open N" with the number of the last record
// that it found, then the number of each record once it is durable; "stopped CODE" when the log failed.
import { setTimeout } from "node:timers/promises"
import { Streams, toLfError } from "@lf/core/internal"
import { postgresStore } from "../store.ts"

const RETRY_MS = 20
const ROLLUP_EVERY = 20

const [connectionString, doc] = process.argv.slice(2)
const say = (line: string | number) => process.stdout.write(`${line}\n`)
const store = postgresStore({ connectionString, ownerWaitMs: 0 })
say("started")

async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await open()
    } catch {
      await setTimeout(RETRY_MS)
    }
  }
}

const streams = new Streams(await patiently(() => store.open(doc)))
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
