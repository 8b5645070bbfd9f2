// npm run proof -- kills: the demo's own Next server, killed at random moments while clients write over WebSockets. Half of
// the time its successor is there already, as when containers are replaced: refused until the kill, owner right after it.

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { loadChecksum, SeededRandom } from "@lf/core/testing"
import { type Proof, prove } from "../proof.ts"
import { Client } from "./client.ts"
import { type NextServer, startNext } from "./next-server.ts"
import { conclude, settle } from "./verdict.ts"

const KILLS_EACH = 6
const CLIENTS = 3
/** The successor's next health check asks for the directory: no time-out of any kind is in it. */
const TAKEOVER_MS_MAX = 2_000

await prove({ name: "kills", unit: "server kills" }, async (proof) => {
  await loadChecksum()
  const dataDir = await mkdtemp(join(tmpdir(), "lf-kills-"))
  try {
    for (const seed of proof.seeds()) {
      const verdict = await playRound(proof, seed, dataDir)
      if (verdict !== null) proof.fail(seed, verdict)
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

async function playRound(proof: Proof, seed: number, dataDir: string): Promise<string | null> {
  const random = new SeededRandom(seed)
  let server = await startNext({ env: { LF_DATA_DIR: dataDir } })
  try {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => Client.start(server.port, `doc-${seed}`, `client ${i}`)),
    )
    for (let kill = 0; kill < KILLS_EACH; kill++) {
      const successor = kill % 2 === 0 ? null : await startNext({ env: { LF_DATA_DIR: dataDir } })
      await sleep(random.between(20, random.pick([60, 400])))
      const early = await successor?.health()
      await server.end("SIGKILL")
      server = successor ?? (await startNext({ env: { LF_DATA_DIR: dataDir }, port: server.port }))
      if (successor !== null) {
        if (early !== "SERVER_DIRECTORY_OWNED") return `I14: beside a living owner the second says ${early}`
        const takeoverMs = await takeover(successor)
        if (takeoverMs > TAKEOVER_MS_MAX) return `I14: ${takeoverMs} ms after the kill the second has not taken over`
        proof.worst("ms to take over", Math.round(takeoverMs))
      }
      for (const client of clients) client.turnTo(server.port)
      await settle(() => clients.some((client) => client.isConnected))
      proof.count()
    }
    return await conclude(proof, clients)
  } finally {
    await server.end("SIGTERM")
  }
}

/** How long it takes until the server owns the directory. */
async function takeover(server: NextServer): Promise<number> {
  const sinceMs = performance.now()
  const passedMs = () => performance.now() - sinceMs
  while ((await server.health()) !== "ok" && passedMs() <= TAKEOVER_MS_MAX) await sleep(10)
  return passedMs()
}
