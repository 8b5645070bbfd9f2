import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { decodeMessage } from "../network/codec.ts"
import type { Network } from "../network/network.ts"
import { host, titles, until, World } from "../testing/small-world.ts"
import { Session } from "./session.ts"

beforeAll(() => loadChecksum())

/** Bytes of each push. `received` gets them as they leave. */
function measured(network: Network, received: number[]): Network {
  return {
    async connect() {
      const pipe = await network.connect()
      const send = (frame: Uint8Array) => {
        if (decodeMessage(frame).type === "sync-mutations") received.push(frame.length)
        pipe.send(frame)
      }
      return { send, close: (reason) => pipe.close(reason), listen: (listener) => pipe.listen(listener) }
    },
  }
}

async function pushes(msPerLook: number): Promise<number[]> {
  const world = new World()
  const remote = await world.startServer()
  const { local, session } = await world.client()
  await until(() => local.cursor === remote.lsn())
  session.stop()
  for (let i = 0; i < 300; i++) await local.run("Add", { id: String(i), title: "x".repeat(2_000) }).durable
  const received: number[] = []
  let lookedMs = 0
  const monotonicMs = () => {
    lookedMs += msPerLook
    return host.monotonicMs() + lookedMs
  }
  const network = measured(world.network, received)
  const again = new Session({ docId: "d", local, network, host: { ...host, monotonicMs }, onChange: () => {} })
  await until(() => local.pendingCount === 0)
  expect(titles(remote).length).toBe(300)
  again.stop()
  await local.close()
  await world.stopServer()
  return received.map((bytes) => Math.round(bytes / 1024))
}

test("a push is small enough for a ping behind it to be in time (T22)", async () => {
  const slow = await pushes(3_000)
  expect(slow.slice(0, 3)).toEqual([63, 30, 14])
  expect(Math.max(...slow.slice(2))).toBeLessThanOrEqual(16)
  const fast = await pushes(0)
  expect([fast[0], fast[1], Math.max(...fast) <= 512]).toEqual([63, 127, true])
})
