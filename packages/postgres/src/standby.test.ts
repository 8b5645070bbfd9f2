// The primary dies and its synchronous standby takes its place, at the same address, as a virtual address or a proxy does it.
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { startPostgres, startStandby } from "../../../scripts/postgres.mjs"
import { cleanUp, later } from "../../next/src/testing/fixture.ts"
import { Node } from "../../next/src/testing/sharing-server.ts"
import { postgresStore } from "./store.ts"
import { admin } from "./testing/admin.ts"
import { TcpProxy } from "./testing/tcp-proxy.ts"

let primary: Awaited<ReturnType<typeof startPostgres>>
let standby: Awaited<ReturnType<typeof startStandby>>
beforeAll(async () => {
  primary = await startPostgres()
  standby = await startStandby(primary.port)
  await admin(primary.connectionString, "alter system set synchronous_standby_names = '*'")
  await admin(primary.connectionString, "select pg_reload_conf()")
}, 60_000)
afterEach(cleanUp)
afterAll(async () => {
  await standby.stop()
  await primary.stop()
})

test("a failover to a synchronous standby loses nothing acknowledged, doubles nothing, and documents go on by themselves (I3, I9)", async () => {
  const address = await TcpProxy.to(primary.port)
  later(() => address.close())
  const connectionString = address.through(primary.connectionString)
  const stores = [postgresStore({ connectionString }), postgresStore({ connectionString })]
  for (const store of stores) await store.migrate()
  const nodes = stores.map((store) => Node.start(store))
  const docs = ["a", "b"]
  const clients = await Promise.all(nodes.flatMap((node) => docs.map((doc) => node.client(doc))))
  const acknowledged: string[] = []
  const sent: string[] = []
  const timer = setInterval(() => {
    for (const [i, client] of clients.entries()) {
      const id = `${i}-${sent.length}`
      sent.push(id)
      void client.add(id).remote.then(({ type }) => type === "applied" && acknowledged.push(id))
    }
  }, 15)
  later(() => clearInterval(timer))
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(100)
  await primary.cut()
  const known = [...acknowledged]
  address.turn(standby.port)
  // Until it is promoted, the standby is read-only.
  await sleep(500)
  expect(sent.length).toBeGreaterThan(known.length)
  await admin(standby.connectionString, "select pg_promote()")
  const goOnMs = performance.now()
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(known.length)
  console.log(`documents went on ${Math.round(performance.now() - goOnMs)} ms after the standby was promoted`)
  clearInterval(timer)
  await expect.poll(() => acknowledged.length, { timeout: 40_000 }).toBe(sent.length)
  for (const [i, client] of clients.entries()) {
    const ours = sent.filter((id) => Number(id[0]) % docs.length === i % docs.length)
    await expect.poll(() => client.titles(), { timeout: 10_000 }).toEqual(ours.toSorted())
  }
}, 120_000)
