import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../core/src/testing/log-contract.ts"
import { nodeFsCalls } from "./fs-calls.ts"
import { acquireDirectory, openFsLog } from "./fs-log.ts"
import { publish, writePages } from "./generation.ts"

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "lf-fs-calls-"))
})
afterEach(() => rm(directory, { recursive: true }))

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe.skipIf(process.platform === "win32")("what is kept is for its owner alone (S23)", () => {
  test("every file is 0600 and every directory 0700, under a umask that would allow more", async () => {
    const dataDir = join(directory, "data")
    const owner = await acquireDirectory(dataDir)
    const doc = join(dataDir, "docs", "d")
    const { log } = await openFsLog(doc)
    await log.append(chainOf("s", ["1"]))
    await log.rollup(checkpointOf(1, 2), [])
    const names = await readdir(doc)
    expect(names.map((name) => name.replace(/-.*/, "")).sort()).toEqual(["fence", "log", "main", "owner.lock"])
    for (const path of [dataDir, join(dataDir, "docs"), doc]) expect(await modeOf(path), path).toBe("700")
    for (const path of [join(dataDir, "owner.lock"), ...names.map((name) => join(doc, name))])
      expect(await modeOf(path), path).toBe("600")
    await log.close()
    await owner.release()
  })

  test("a backup too, also where a file with other rights is replaced", async () => {
    const path = join(directory, "doc.db")
    await writeFile(path, "", { mode: 0o644 })
    await writePages(`${path}.tmp`, checkpointOf(1, 2).pages, nodeFsCalls)
    await publish(`${path}.tmp`, path, nodeFsCalls)
    expect(await modeOf(path)).toBe("600")
  })
})

describe("the disk's calls", () => {
  test("a second name is given once", async () => {
    const [from, to] = [join(directory, "from"), join(directory, "to")]
    await writeFile(from, "new")
    await nodeFsCalls.link(from, to)
    await expect(nodeFsCalls.link(from, to)).rejects.toMatchObject({ code: "EEXIST" })
  })

  test("what is there exists, what is removed does not, and what cannot be asked is an error", async () => {
    const path = join(directory, "file")
    await writeFile(path, "")
    expect(await nodeFsCalls.exists(path)).toBe(true)
    await expect(nodeFsCalls.exists(join(path, "below"))).rejects.toMatchObject({ code: "ENOTDIR" })
    await nodeFsCalls.remove(path)
    expect([await nodeFsCalls.exists(path), await nodeFsCalls.identity(path)]).toEqual([false, null])
  })

  test("a locked file is read and rewritten through its lock", async () => {
    const lock = await nodeFsCalls.lock(join(directory, "lock"))
    for (const text of ["", "long enough", "short"]) {
      await lock?.write(new TextEncoder().encode(text))
      expect(new TextDecoder().decode(await lock?.read())).toBe(text)
    }
    await lock?.release()
  })
})
