import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFile, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { decodeLogHeader, encodeLogHeader, loadChecksum, type OpenedLog, Streams } from "@lf/core/internal"
import { build } from "esbuild"
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { chainOf, checkpointOf, logContract } from "../../../core/src/testing/log-contract.ts"
import { nodeFsCalls } from "./fs-calls.ts"
import { openFsLog, readFsLog } from "./fs-log.ts"

beforeAll(loadChecksum)

/** What a document's directory holds besides its lock file, which is never removed. */
async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name !== "owner.lock").sort()
}

const newDirectory = () => mkdtemp(join(tmpdir(), "lf-fs-log-"))
const logFile = async (directory: string) =>
  join(
    directory,
    (await readdir(directory))
      .filter((name) => /^log-\d{16}$/.test(name))
      .sort()
      .reverse()[0],
  )

async function flip(path: string, at: (bytes: Uint8Array) => number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at(bytes)] ^= 1
  await writeFile(path, bytes)
}

logContract("fs", async () => {
  const directory = await newDirectory()
  return {
    isOwned: true,
    open: () => openFsLog(directory),
    depose: () => rm(join(directory, "owner.lock")),
    tearTail: async () => {
      const path = await logFile(directory)
      await truncate(path, (await readFile(path)).length - 10)
    },
    damageFirstGroup: async () => flip(await logFile(directory), (bytes) => decodeLogHeader(bytes).endAt + 45),
    dispose: () => rm(directory, { recursive: true }),
  }
})

describe("fs log", () => {
  let directory: string
  beforeEach(async () => {
    directory = await newDirectory()
  })
  afterEach(() => rm(directory, { recursive: true }))

  /** Opens, does `work` and closes. */
  async function withLog<T>(work: (opened: OpenedLog) => Promise<T>): Promise<T> {
    const opened = await openFsLog(directory)
    try {
      return await work(opened)
    } finally {
      await opened.log.close()
    }
  }

  const rollups = (count: number) =>
    withLog(async ({ log }) => {
      for (let i = 1; i <= count; i++) await log.rollup(checkpointOf(i, 2), chainOf("s", ["1"]))
    })

  test("after a rollup there is one log and one main, the pages and nothing else", async () => {
    await rollups(3)
    expect(await filesIn(directory)).toEqual(["log-0000000000000004", "main-0000000000000004.db"])
    const main = await readFile(join(directory, "main-0000000000000004.db"))
    expect(main.equals(Buffer.concat([...checkpointOf(3, 2).pages]))).toBe(true)
  })

  test("older generations and unfinished files are removed, foreign files are left alone", async () => {
    await rollups(1)
    const token = "0".repeat(32)
    const leftovers = ["log-0000000000000001", "main-0000000000000009.db", "log-0000000000000009.tmp"]
    for (const name of [...leftovers, `main-0000000000000003.db.${token}.tmp`, "notes.txt"])
      await writeFile(join(directory, name), "x")
    await withLog(async ({ checkpoint }) => expect(checkpoint).toEqual(checkpointOf(1, 2)))
    expect(await filesIn(directory)).toEqual(["log-0000000000000002", "main-0000000000000002.db", "notes.txt"])
  })

  test("a changed, cut or missing main is reported, and nothing is removed (I11)", async () => {
    await rollups(1)
    const path = join(directory, "main-0000000000000002.db")
    const saved = `${path}.saved`
    await copyFile(path, saved)
    await flip(path, () => 5000)
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
    await truncate(path, 4096)
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
    await rm(path)
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
    await copyFile(saved, path)
    await withLog(async ({ records }) => expect(records).toEqual(chainOf("s", ["1"])))
  })

  test("a damaged newest log is reported; an older one is not read in its place (I11)", async () => {
    await rollups(1)
    const path = await logFile(directory)
    await copyFile(path, join(directory, "log-0000000000000001"))
    await flip(path, () => 14)
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
    expect(await filesIn(directory)).toHaveLength(3)
    await rm(path)
    await rm(join(directory, "log-0000000000000001"))
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
  })

  test("live records were synced before the log got its name: damage there is no torn tail (I11)", async () => {
    await rollups(1)
    await flip(await logFile(directory), (bytes) => bytes.length - 1)
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
  })

  test("a read-only opening reports damage too (I11)", async () => {
    await rollups(1)
    await flip(await logFile(directory), (bytes) => bytes.length - 1)
    await expect(readFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
  })

  test("a log under another generation's name is reported (I11)", async () => {
    await rollups(1)
    const path = await logFile(directory)
    await rename(path, join(directory, "log-0000000000000009"))
    await expect(openFsLog(directory)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
  })

  test("a directory that is not there is no document, one that cannot be listed is LOG_FAILED", async () => {
    expect(await readFsLog(join(directory, "none"))).toBe(null)
    const cause = Object.assign(new Error("denied"), { code: "EACCES" })
    const calls = { ...nodeFsCalls, list: () => Promise.reject(cause) }
    await expect(readFsLog(directory, calls)).rejects.toMatchObject({ code: "LOG_FAILED", cause })
  })

  test("zeros and garbage behind the last group are cut from the file (T18)", async () => {
    const records = chainOf("s", ["1", "2"])
    await withLog(({ log }) => log.append(records.slice(0, 1)))
    const path = await logFile(directory)
    const good = await readFile(path)
    for (const tail of [Buffer.alloc(5000), Buffer.from("garbage"), good.subarray(good.length - 60)]) {
      await writeFile(path, Buffer.concat([good, tail]))
      await withLog(async (opened) => expect(opened.records).toEqual(records.slice(0, 1)))
      expect((await readFile(path)).equals(good)).toBe(true)
    }
  })

  test("a read-only opening sees the owner's data without a torn tail, also during a rollup", async () => {
    expect(await readFsLog(join(directory, "absent"))).toBe(null)
    await withLog(async ({ log }) => {
      const [first, second] = chainOf("s", ["1", "2"])
      await log.append([first])
      await log.append([second])
      const path = await logFile(directory)
      const whole = await readFile(path)
      await writeFile(path, whole.subarray(0, whole.length - 10))
      expect((await readFsLog(directory))?.records).toEqual([first])
      expect(await readFile(path)).toHaveLength(whole.length - 10)
      await writeFile(path, whole)
      let rollupsLeft = 2
      const read = async (name: string) => {
        if (rollupsLeft > 0 && name.endsWith(rollupsLeft === 2 ? "1" : ".db")) {
          await log.rollup(checkpointOf(rollupsLeft--, 2), [])
        }
        return await nodeFsCalls.read(name)
      }
      expect(await readFsLog(directory, { ...nodeFsCalls, read })).toEqual({
        checkpoint: checkpointOf(1, 2),
        records: [],
      })
      expect(rollupsLeft).toBe(0)
    })
  })

  test("on a full disk a document opens for reads; a takeover waits for room, using none (T19)", async () => {
    const full = Object.assign(new Error("full"), { code: "ENOSPC" })
    const calls = {
      ...nodeFsCalls,
      open: async (path: string, flags: "w" | "r+") => {
        const file = await nodeFsCalls.open(path, flags)
        return flags === "r+" ? file : { ...file, write: () => Promise.reject(full) }
      },
    }
    const records = chainOf("s", ["1"])
    await withLog(({ log }) => log.append(records))
    const opened = await openFsLog(directory, calls)
    expect(opened.records).toEqual(records)
    await opened.log.close()
    const fence = join(directory, `fence-${"a".repeat(32)}`)
    await writeFile(fence, "")
    for (let i = 0; i < 2; i++) await expect(openFsLog(directory, calls)).rejects.toMatchObject({ code: "LOG_FULL" })
    expect((await filesIn(directory)).filter((name) => !name.startsWith("fence-"))).toEqual(["log-0000000000000001"])
    await withLog(async (again) => expect(again.records).toEqual(records))
  })

  test("without hard links a name is still not given twice (I14)", async () => {
    const link = () => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" }))
    const { log } = await openFsLog(directory, { ...nodeFsCalls, link })
    await log.append(chainOf("s", ["1"]))
    await log.rollup(checkpointOf(1, 2), chainOf("s", ["1"]))
    await writeFile(join(directory, "log-0000000000000003"), "another's")
    await expect(log.rollup(checkpointOf(2, 2), [])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    await log.close()
    expect(await readFile(join(directory, "log-0000000000000003"), "utf8")).toBe("another's")
    await rm(join(directory, "log-0000000000000003"))
    await withLog(async (again) => expect(again.records).toEqual(chainOf("s", ["1"])))
  })

  test("a takeover while the owner before names its rollup goes on after that rollup (I14)", async () => {
    await writeFile(join(directory, `fence-${"a".repeat(32)}`), "")
    const named = encodeLogHeader({ generation: 1, checkpoint: null, liveBytes: 0 })
    const link = async (from: string, to: string) => {
      if (to.endsWith("1")) await writeFile(to, named)
      await nodeFsCalls.link(from, to)
    }
    const { log } = await openFsLog(directory, { ...nodeFsCalls, link })
    await log.close()
    expect(await filesIn(directory)).toEqual(["log-0000000000000002"])
  })

  test("a directory that cannot be made is LOG_FAILED with its cause", async () => {
    const path = join(directory, "file")
    await writeFile(path, "")
    await expect(openFsLog(path)).rejects.toMatchObject({ code: "LOG_FAILED", cause: { code: "EEXIST" } })
  })

  test("a killed process has lost nothing that it acknowledged (I3)", async () => {
    const script = join(directory, "child.mjs")
    const root = new URL("../../../..", import.meta.url).pathname
    await build({
      stdin: { contents: CHILD, resolveDir: import.meta.dirname, loader: "ts" },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: script,
      alias: {
        "@lf/core": join(root, "packages/core/src/index.ts"),
        "@lf/core/internal": join(root, "packages/core/src/internal.ts"),
      },
      absWorkingDir: root,
    })
    const docDirectory = join(directory, "doc")
    let total = 0
    for (const killAfter of [1, 40, 150]) {
      const child = spawn(process.execPath, [script, docDirectory], { stdio: ["ignore", "pipe", "inherit"] })
      let acked = total
      for await (const line of createInterface({ input: child.stdout })) {
        acked = Number(line)
        if (acked >= total + killAfter) child.kill("SIGKILL")
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
      expect(child.signalCode).toBe("SIGKILL")
      const streams = new Streams(await openFsLog(docDirectory))
      const found = streams.journal("n", { encode: (n: Uint8Array) => n, decode: (n) => n }).lsn()
      await streams.close()
      expect(found).toBeGreaterThanOrEqual(acked)
      total = found
    }
  })
})

/** Appends for ever, rolls up now and then, and prints each position once it is durable. */
const CHILD = `
import { Streams } from "@lf/core/internal"
import { openFsLog } from "./fs-log.ts"
const streams = new Streams(await openFsLog(process.argv[2]))
const journal = streams.journal("n", { encode: (n) => n, decode: (n) => n })
for (;;) {
  const lsn = journal.append(new Uint8Array(100))
  if (lsn % 20 === 0) await streams.rollup({ meta: new Uint8Array(0), pages: [new Uint8Array(4096)] })
  else await streams.flush()
  process.stdout.write(lsn + "\\n")
}
`
