import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite, titles, until, World } from "./small-world.ts"

beforeAll(loadChecksum)

/** The clients that the document has a row of. */
async function knownIds({ remote }: World): Promise<string[]> {
  const db = new Database(await loadSqlite(), new Storage(remote?.pages))
  const rows = db.exec("select client_id from __lf_mutations order by 1")
  db.close()
  return rows.map((row) => String(row.client_id))
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A server that forgets clients after 100 ms, and one client that added "one", has everything, and left. */
async function withOneGone() {
  const world = new World(undefined, { clientForgottenMs: 100 })
  await world.startServer()
  const { local, session, disk } = await world.client()
  local.run("Add", { id: "1", title: "one" })
  await until(() => local.pendingCount === 0 && local.cursor === world.remote?.lsn())
  // What it has is said with the next ask, which follows the flush.
  await pause(20)
  session.stop()
  await local.close()
  return { world, disk, id: local.clientId }
}

describe("a client without contact for long", () => {
  test("comes back, with what it did offline, under a new id: once, and in order (I9)", async () => {
    const { world, disk, id } = await withOneGone()
    await world.stopServer()
    await pause(120)
    await world.startServer()
    await world.remote?.mutate("Add", { id: "2", title: "two" }, null)
    const { local, session } = await world.client(disk)
    const receipt = local.run("Add", { id: "3", title: "three" })
    expect(await receipt.remote).toMatchObject({ type: "applied" })
    expect(local.clientId).not.toBe(id)
    expect(titles(local)).toEqual(["one", "two", "three"])
    expect(await knownIds(world)).toEqual([local.clientId, "server"].sort())
    session.stop()
  })
})
