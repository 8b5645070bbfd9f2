import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { MemoryDisk } from "@lf/core/internal"
import { afterEach, expect, test } from "vitest"
import { bundle } from "../testing/bundle.ts"
import { cleanUp, startClient, temporaryDirectory, until } from "../testing/fixture.ts"
import { endProcess, startProcess } from "../testing/processes.ts"

afterEach(cleanUp)

const MUTATIONS = 30
/** What one mutation makes the server say: an acknowledgement, and pages for both who are there. */
const SENDS_EACH = 3

/** What the system saw, in its order: a log became durable, or something left on a socket. */
type Call = "durable" | "send"

test("strace: every reply to a mutation is sent after its fdatasync (I3, I4)", {
  timeout: 60_000,
}, async () => {
  const dataDir = await temporaryDirectory()
  const trace = join(await temporaryDirectory(), "trace")
  const script = await bundle("testing/crash-server.ts")
  // -yy prints what each descriptor is; -f follows the threads that do disk I/O.
  const traced = "trace=write,writev,sendto,sendmsg,fdatasync,fsync"
  // Node 20.3 to 20.11 gives its files to io_uring, which strace does not see.
  const wrapper = [
    "env",
    "UV_USE_IO_URING=0",
    "strace",
    "-f",
    "-ttt",
    "-yy",
    "-qq",
    "-s",
    "0",
    "-e",
    traced,
    "-o",
    trace,
  ]
  const server = await startProcess({ script, dataDir, wrapper })
  const url = `ws://127.0.0.1:${server.port}/api/lf`
  const writer = await startClient(url, { disk: new MemoryDisk() })
  const reader = await startClient(url, { disk: new MemoryDisk() })
  await writer.add("first").remote
  await until(() => reader.titles().length === 1, "both are connected")
  await new Promise((resolve) => setTimeout(resolve, 300))
  const startedMs = Date.now()
  for (let i = 0; i < MUTATIONS; i++) {
    await writer.add(`t${i}`).remote
    await until(() => reader.titles().length === i + 2, "the reader has it too")
  }
  await endProcess(server, "SIGKILL")

  const calls = callsOf(await readFile(trace, "utf8"), startedMs)
  expect(calls.filter((call) => call === "durable").length).toBe(MUTATIONS)
  expect(calls.filter((call) => call === "send").length).toBe(SENDS_EACH * MUTATIONS)
  expect(early(calls)).toEqual([])
})

/** Where something left that the log did not hold durably yet. */
function early(calls: readonly Call[]): number[] {
  let durable = 0
  let sent = 0
  return calls.flatMap((call, at) => {
    if (call === "durable") durable++
    else sent++
    return sent > SENDS_EACH * durable ? [at] : []
  })
}

/** strace prints an interleaved call in two lines: a sync counts when it has ended. */
function callsOf(trace: string, sinceMs: number): Call[] {
  const syncing = new Set<string>()
  const calls: Call[] = []
  for (const line of trace.split("\n")) {
    const [thread, seconds] = line.split(/ +/, 2)
    if (Number(seconds) * 1000 < sinceMs) continue
    const isLog = /\/log-\d+>/.test(line)
    if (/ (fdatasync|fsync)\(/.test(line) && isLog) {
      if (line.includes("<unfinished")) syncing.add(thread)
      else if (line.endsWith("= 0")) calls.push("durable")
    } else if (/<\.\.\. (fdatasync|fsync) resumed>/.test(line) && syncing.has(thread)) {
      syncing.delete(thread)
      if (line.endsWith("= 0")) calls.push("durable")
    } else if (/ (write|writev|sendto|sendmsg)\(\d+<TCP/.test(line)) calls.push("send")
  }
  return calls
}

/** Where tracing is forbidden, as in some containers, the order is held by the crash images and the simulator alone. */
