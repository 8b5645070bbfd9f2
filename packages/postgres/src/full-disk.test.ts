// The disk of the database is full: a disk of its own with the tables, so that it is for nothing else.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { startPostgres } from "../../../scripts/postgres.mjs"
import { cleanUp, later } from "../../next/src/testing/fixture.ts"
import { Node } from "../../next/src/testing/sharing-server.ts"
import { postgresStore } from "./store.ts"
import { admin } from "./testing/admin.ts"

const DISK_BYTES = 40_000_000
const TEXT = "x".repeat(20_000)

let server: Awaited<ReturnType<typeof startPostgres>>
beforeAll(async () => {
  server = await startPostgres({ smallDiskBytes: DISK_BYTES })
}, 60_000)
afterEach(cleanUp)
afterAll(() => server.stop())

test("a full disk loses nothing acknowledged, is reported, and writes go on by themselves when there is room (T19)", async () => {
  await admin(server.connectionString, `create tablespace small location '${server.smallDisk}'`)
  await admin(server.connectionString, "create database lf tablespace small template template0 strategy wal_log")
  const ballast = `${server.smallDisk}/ballast`
  const connectionString = server.connectionString.replace(/postgres$/, "lf")
  const stores = [postgresStore({ connectionString }), postgresStore({ connectionString })]
  for (const store of stores) await store.migrate()
  const nodes = stores.map((store) => Node.start(store))
  const clients = await Promise.all(nodes.map((node) => node.client("doc")))
  const applied: string[] = []
  const sent: string[] = []
  const send = () => {
    for (const client of clients) {
      const id = `${sent.length}`.padStart(4, "0")
      sent.push(id)
      void client.add(id, `${id}${TEXT}`).remote.then(({ type }) => type === "applied" && applied.push(id))
    }
  }
  const timer = setInterval(send, 20)
  later(() => clearInterval(timer))
  await expect.poll(() => applied.length, { timeout: 20_000 }).toBeGreaterThan(10)
  await inside(`dd if=/dev/zero of=${ballast}; truncate -s -100000 ${ballast}`)
  await expect.poll(() => sent.length - applied.length, { timeout: 20_000 }).toBeGreaterThan(40)
  const before = applied.length
  const reasons = () => clients.map(({ session }) => session.state.error?.code)
  await expect.poll(reasons, { timeout: 20_000 }).not.toEqual([undefined, undefined])
  clearInterval(timer)
  // What they have is there to read, and pending mutations stay.
  for (const { local } of clients) expect(local.pendingCount).toBeGreaterThan(0)
  await inside(`rm ${ballast}`)
  await expect.poll(() => applied.length, { timeout: 40_000 }).toBe(sent.length)
  expect(applied.length).toBeGreaterThan(before)
  for (const client of clients)
    await expect.poll(() => client.titles().map((title) => title.slice(0, 4)), { timeout: 10_000 }).toEqual(sent)
}, 120_000)

/** Only the server's own processes see its disk. */
async function inside(command: string): Promise<void> {
  await admin(server.connectionString, `copy (select) to program '${command}'`)
}
