import { setTimeout } from "node:timers/promises"
import { type OpenedLog, Streams, toLfError } from "@lf/core/internal"

const RETRY_MS = 20
const ROLLUP_EVERY = 20

/** Calls until it does not throw. `onRefused` gets the code of each error. */
export async function patiently<T>(open: () => Promise<T>, onRefused: (code: string) => void = () => {}): Promise<T> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      onRefused(toLfError(error, "LOG_FAILED").code)
      await setTimeout(RETRY_MS)
    }
  }
}

/**
 * Appends to a log until it fails, for a process that a test kills. Says a line for each step: "open N" with the number of the last
 * record that it found, then the number of each record once it is durable; "stopped CODE" when the log failed.
 */
export async function appendUntilStopped(opened: OpenedLog, say: (line: string | number) => void): Promise<void> {
  const streams = new Streams(opened)
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
}
