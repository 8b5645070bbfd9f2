// An import on a disk that ends at each of its calls: the document is as before or has all rows, and is sound (S18).
import { defineMutator, sql } from "@lf/core"
import { loadChecksum, pagesAtRest, pagesChecksum, Remote, RowImport } from "@lf/core/internal"
import { beforeAll, expect, test } from "vitest"
import { openFsLog, readFsLog } from "../node/fs-log.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { CrashDisk, type Loss } from "../testing/crash-disk.ts"

beforeAll(loadChecksum)

const mutator = defineMutator({
  migrations: [sql`create table items (id integer primary key, text text not null) strict`],
  mutations: [],
})

/** A disk with an empty document that was closed. */
async function stored(): Promise<CrashDisk> {
  const disk = new CrashDisk()
  const opened = await openFsLog("d", disk.fs)
  await (await Remote.recover({ opened, loadSqlite, mutator, host: nodeHost })).close()
  disk.reboot("process killed")
  return disk
}

/** Adds 200 rows of half a page. Whether it says that they are kept. */
async function addRows(disk: CrashDisk): Promise<boolean> {
  try {
    const into = await RowImport.open({
      opened: await openFsLog("d", disk.fs),
      module: await loadSqlite(),
      host: nodeHost,
    })
    for (let id = 1; id <= 200; id++) into.add("items", { id, text: "x".repeat(2000) })
    expect(into.missingParent()).toBeNull()
    await into.finish()
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^LOG_/) })
    return false
  }
}

async function checksumOf(disk: CrashDisk): Promise<bigint> {
  const at = await readFsLog("d", disk.fs)
  expect(at).not.toBeNull()
  return at === null ? 0n : pagesChecksum(pagesAtRest(at, nodeHost))
}

test.each<Loss>(["process killed", "all lost", "names kept, data lost", "prefix kept"])(
  "an import keeps all rows or none when the machine ends at any call: %s",
  async (loss) => {
    const whole = await stored()
    const before = await checksumOf(whole)
    whole.calls = 0
    expect(await addRows(whole)).toBe(true)
    const { calls } = whole
    const after = await checksumOf(whole)
    expect(after).not.toBe(before)
    expect(calls).toBeGreaterThan(10)
    const seen = { before: 0, after: 0 }
    for (let stopAt = 1; stopAt <= calls; stopAt++) {
      const disk = await stored()
      disk.calls = 0
      disk.stopAt = stopAt
      const isKept = await addRows(disk)
      disk.reboot(loss)
      const found = await checksumOf(disk)
      expect([before, after], `call ${stopAt}`).toContain(found)
      if (isKept) expect(found, `call ${stopAt}`).toBe(after)
      seen[found === after ? "after" : "before"]++
    }
    expect(seen.before).toBeGreaterThan(0)
    expect(seen.after).toBeGreaterThan(0)
  },
)
