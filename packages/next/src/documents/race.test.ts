import { MemoryDisk } from "@lf/core/internal"
import { afterEach, expect, test } from "vitest"
import { bundle } from "../testing/bundle.ts"
import { cleanUp, startClient, temporaryDirectory, until } from "../testing/fixture.ts"
import { endProcess, startProcess } from "../testing/processes.ts"

afterEach(cleanUp)

const RACES = 3
const RUNNERS = 3

test("of servers that race for one directory, one at a time owns it; no data is lost (I14)", {
  timeout: 120_000,
}, async () => {
  const dataDir = await temporaryDirectory()
  const script = await bundle("testing/crash-server.ts")
  const sent: string[] = []
  for (let race = 0; race < RACES; race++) {
    const servers = await Promise.all(
      Array.from({ length: RUNNERS }, () => startProcess({ script, dataDir, stderr: "ignore" })),
    )
    // Each has its own clients; those of the losers wait until their server gets the document.
    const clients = await Promise.all(
      servers.map(({ port }) => startClient(`ws://127.0.0.1:${port}/api/lf`, { disk: new MemoryDisk() })),
    )
    const winners: number[] = []
    const arrived = clients.map((client, i) => {
      const id = `${race}-${i}`
      sent.push(id)
      return client.add(id).remote.then(() => void winners.push(i))
    })
    await until(() => winners.length === 1, "one server has the document")
    for (const [i, server] of servers.entries()) expect(server.child.exitCode, `server ${i} runs`).toBeNull()
    // The owner dies; the next one takes over when its clients come again, then the last one.
    while (winners.length < RUNNERS) {
      const before = winners.length
      await endProcess(servers[winners[before - 1]], race % 2 === 0 ? "SIGKILL" : "SIGTERM")
      const poke = setInterval(() => {
        for (const { session } of clients) session.poke()
      }, 100)
      await until(() => winners.length > before, "the next one takes over")
      clearInterval(poke)
    }
    await Promise.all(arrived)
    const last = clients[winners[RUNNERS - 1]]
    await until(() => last.titles().length === sent.length, "everything is there")
    expect(last.titles()).toEqual(sent.toSorted())
    for (const { session } of clients) session.stop()
    for (const server of servers) await endProcess(server, "SIGTERM")
  }
})
