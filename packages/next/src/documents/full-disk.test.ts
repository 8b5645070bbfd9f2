import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { MemoryDisk } from "@lf/core/internal"
import { afterEach, expect, test } from "vitest"
import { bundle } from "../testing/bundle.ts"
import { cleanUp, later, startClient, until } from "../testing/fixture.ts"
import { endProcess, startProcess } from "../testing/processes.ts"

afterEach(cleanUp)

const DISK_BYTES = 1_500_000
/** Who is not answered by then will not be: the disk is full. */
const ANSWER_MS_MAX = 2_000
const TEXT = "x".repeat(20_000)

// A disk of its own, gone with the process that has it.
test("a full disk loses nothing acknowledged, and writes resume when there is room (T19, I21)", {
  timeout: 60_000,
}, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "lf-full-"))
  later(() => rm(dataDir, { recursive: true, force: true }))
  const script = await bundle("testing/crash-server.ts")
  const room = join(dataDir, "room")
  const prepare = [
    `mount -t tmpfs -o size=${DISK_BYTES} tmpfs ${dataDir}`,
    // What an administrator frees when asked to.
    `head -c 400000 /dev/zero > ${room}`,
    // The test cannot see this disk: it asks by a signal.
    `trap 'rm -f ${room}' USR1`,
    '"$@" & wait; wait; wait',
  ].join("; ")
  const wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", prepare, "sh"]
  const server = await startProcess({ script, dataDir, wrapper, stderr: "ignore" })
  const url = `ws://127.0.0.1:${server.port}/api/lf`
  const client = await startClient(url, { disk: new MemoryDisk() })
  const applied: string[] = []
  const sent: string[] = []
  const send = () => {
    const id = String(sent.length).padStart(4, "0")
    sent.push(id)
    void client.add(id, `${id}${TEXT}`).remote.then(() => applied.push(id))
  }
  const isAnswered = () =>
    until(() => applied.length === sent.length, "an answer", ANSWER_MS_MAX).then(
      () => true,
      () => false,
    )
  do send()
  while ((await isAnswered()) && sent.length < 200)
  expect(sent.length, "the disk was full before long").toBeLessThan(200)
  const acknowledged = applied.length
  expect(acknowledged).toBeGreaterThan(5)
  // Another client finds what was acknowledged, from a server that can keep nothing more.
  const reader = await startClient(url, { disk: new MemoryDisk() })
  await until(() => reader.titles().length >= acknowledged, "reading goes on")
  server.child.kill("SIGUSR1")
  const poke = setInterval(() => client.session.poke(), 200)
  later(() => clearInterval(poke))
  await until(() => client.local.pendingCount === 0, "writing goes on when there is room", 30_000)
  await until(() => reader.titles().length === sent.length, "and the reader has them")
  expect(reader.titles().map((title) => title.slice(0, 4))).toEqual(sent)
  await endProcess(server, "SIGKILL")
})
