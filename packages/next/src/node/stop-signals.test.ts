import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdir } from "node:fs/promises"
import { connect } from "node:net"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, test } from "vitest"
import { docDirectory } from "../documents/document-directory.ts"
import { bundle } from "../testing/bundle.ts"
import { cleanUp, later, startClient, startServer, temporaryDirectory, titlesQuery } from "../testing/fixture.ts"

afterEach(cleanUp)

/** A process with a document that was written and is open, and what it wrote to its log. */
async function start(mode: "plain" | "next" | "once" | "opted-out") {
  const dataDir = await temporaryDirectory()
  const script = await bundle("testing/signal-server.ts")
  const child = spawn(process.execPath, [script, dataDir, mode], { stdio: ["ignore", "pipe", "pipe"] })
  later(() => child.kill("SIGKILL"))
  let log = ""
  child.stderr.on("data", (data) => {
    log += data
  })
  const exit = once(child, "exit")
  const [port] = await once(createInterface({ input: child.stdout }), "line")
  const client = await startClient(`ws://127.0.0.1:${port}/api/lf`)
  expect(await client.add("1").remote).toMatchObject({ type: "applied" })
  return { child, dataDir, exit, port: Number(port), client, log: () => log }
}

async function checkpointsIn(dataDir: string): Promise<string[]> {
  return (await readdir(docDirectory(dataDir, "doc"))).filter((name) => /^main-\d+\.db$/.test(name))
}

describe("SIGTERM and SIGINT close the documents, and the process ends as it did", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s without another listener ends by the signal", async (signal) => {
    const { child, dataDir, exit, client, log } = await start("plain")
    child.kill(signal)
    expect(await exit).toEqual([null, signal])
    expect(await checkpointsIn(dataDir)).toHaveLength(1)
    expect(log()).toBe(`lf: info stopping detail=${signal}\n`)
    client.session.stop()
    const { lf } = await startServer({ dataDir })
    expect(await lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([{ title: "1" }])
  })

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s under a listener like Next's ends with its code, after the checkpoint", async (signal, code) => {
    const { child, dataDir, exit, port } = await start("next")
    // S20 What holds a server open that waits for its sockets.
    const waiting = connect(port, "127.0.0.1").on("error", () => {})
    later(() => waiting.destroy())
    waiting.write("GET /unclaimed HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    await new Promise((resolve) => setTimeout(resolve, 50))
    child.kill(signal)
    child.kill(signal)
    expect(await exit).toEqual([code, null])
    expect(await checkpointsIn(dataDir)).toHaveLength(1)
  })

  test("a listener that runs once keeps the last word about when and how", async () => {
    const { child, dataDir, exit } = await start("once")
    child.kill("SIGTERM")
    expect(await exit).toEqual([7, null])
    expect(await checkpointsIn(dataDir)).toHaveLength(1)
  })

  test("handleSignals: false leaves signals alone", async () => {
    const { child, dataDir, exit, log } = await start("opted-out")
    child.kill("SIGTERM")
    expect(await exit).toEqual([null, "SIGTERM"])
    expect(await checkpointsIn(dataDir)).toEqual([])
    expect(log()).toBe("")
  })
})

test("the process has one listener per signal while a data directory is open, then none", async () => {
  const counts = () => (["SIGTERM", "SIGINT"] as const).map((signal) => process.listenerCount(signal))
  const before = counts()
  const servers = [await startServer(), await startServer(), await startServer()]
  expect(counts()).toEqual(before.map((count) => count + 1))
  for (const server of servers) await server.stop()
  expect(counts()).toEqual(before)
})
