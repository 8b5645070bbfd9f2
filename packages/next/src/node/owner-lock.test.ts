import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Worker } from "node:worker_threads"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../core/src/testing/log-contract.ts"
import { bundle } from "../testing/bundle.ts"
import { cleanUp, later, temporaryDirectory, until } from "../testing/fixture.ts"
import { pidNamespace } from "../testing/pid-namespace.ts"
import { nodeFsCalls } from "./fs-calls.ts"
import { acquireDirectory, openFsLog } from "./fs-log.ts"
import { load, tryLock } from "./kernel-lock.ts"

const namespace = pidNamespace()
/** What a process needs to ask again and to recover: no time-out of any kind is in it. */
const RIGHT_AFTER_MS = 2_000

let directory: string
beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(cleanUp)

/** Opens and closes a document of two records, the second of which is new. */
async function opens(path: string): Promise<number> {
  const { log, records } = await openFsLog(path)
  await log.close()
  return records.length
}

describe("the kernel decides the owner of a directory (I14, T37)", () => {
  test("a second opener in one process is refused with holder and remedy; locks are per document", async () => {
    const held = await acquireDirectory(directory)
    const expected = {
      code: "SERVER_DIRECTORY_OWNED",
      message: expect.stringMatching(new RegExp(`in use by process ${process.pid} on \\S+, since .*LF_DATA_DIR`)),
    }
    await expect(acquireDirectory(directory)).rejects.toMatchObject(expected)
    const doc = join(directory, "docs", "d")
    const { log } = await openFsLog(doc)
    const owned = { code: "LOG_OWNED", message: expect.stringContaining(`process ${process.pid} on`) }
    await expect(openFsLog(doc)).rejects.toMatchObject(owned)
    await log.close()
    expect(await opens(doc)).toBe(0)
    await held.release()
    await (await acquireDirectory(directory)).release()
  })

  test("of many that come at once exactly one gets it", async () => {
    for (let round = 0; round < 10; round++) {
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => acquireDirectory(directory)))
      const held = tries.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []))
      expect(held).toHaveLength(1)
      for (const result of tries)
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
      await held[0].release()
    }
  })

  test("a copy of a running directory opens at once, and its original goes on", async () => {
    const { log } = await openFsLog(directory)
    await log.append(chainOf("s", ["1"]))
    const copy = `${directory}-copy`
    later(() => rm(copy, { recursive: true, force: true }))
    await cp(directory, copy, { recursive: true })
    expect(await opens(copy)).toBe(1)
    await log.append(chainOf("t", ["1"]))
    await log.close()
    expect(await opens(directory)).toBe(2)
  })

  test("no process id is looked at: neither /proc nor a reused id matters", async () => {
    const { log } = await openFsLog(directory)
    const [fence] = (await readdir(directory)).filter((name) => name.startsWith("fence-"))
    await log.close()
    // As if this process had left it: its id is in use, and yet the lock is free.
    await writeFile(join(directory, fence), `process ${process.pid} on here, since 2025-06-01T10:00:00.000Z\n`)
    await writeFile(join(directory, "owner.lock"), `${process.pid} ?\n`)
    expect(await opens(directory)).toBe(0)
    const sources = await Promise.all(["owner-lock", "fence", "kernel-lock", "fs-calls", "fs-log"].map(sourceOf))
    for (const source of sources) expect(source).not.toMatch(/\/proc\/|process\.kill/)
  })

  test("a lock file or unfinished takeover of the older format is taken over; its file stays", async () => {
    const { log } = await openFsLog(directory)
    await log.append(chainOf("s", ["1"]))
    await log.rollup(checkpointOf(1, 2), chainOf("s", ["1"]))
    await log.close()
    for (const [i, claim] of [`${process.pid} ?\n`, "999999999 ?\n", "1 boot/12345\n", "nonsense"].entries()) {
      await writeFile(join(directory, "owner.lock"), claim)
      await writeFile(join(directory, "owner.lock.takeover"), claim)
      expect(await opens(directory)).toBe(1)
      expect(await readFile(join(directory, "owner.lock"), "utf8")).toBe("")
      expect(await readdir(directory)).toContain(`log-${String(3 + i).padStart(16, "0")}`)
    }
    expect(await opens(directory)).toBe(1)
    expect(await readdir(directory)).toEqual(
      expect.arrayContaining(["log-0000000000000006", "main-0000000000000002.db"]),
    )
  })

  test("a directory in the lock file's place is moved aside", async () => {
    await mkdir(join(directory, "owner.lock", "full"), { recursive: true })
    await (await acquireDirectory(directory)).release()
    const names = await readdir(directory)
    expect(names).toEqual(["owner.lock", expect.stringMatching(/^owner\.lock\.aside-[0-9a-f]{32}$/)])
    expect((await stat(join(directory, "owner.lock"))).isFile()).toBe(true)
    const endless = { ...nodeFsCalls, rename: async () => {} }
    await mkdir(join(directory, "doc", "owner.lock"), { recursive: true })
    const failure = { code: "LOG_FAILED", cause: { code: "EISDIR" } }
    await expect(openFsLog(join(directory, "doc"), endless)).rejects.toMatchObject(failure)
  })

  test("a lock on a file that has lost its name is none", async () => {
    const path = join(directory, "owner.lock")
    const first = await nodeFsCalls.lock(path)
    await rename(path, `${path}.gone`)
    const second = await nodeFsCalls.lock(path)
    expect(second).not.toBe(null)
    expect(await nodeFsCalls.lock(path)).toBe(null)
    await first?.release()
    await second?.release()
  })

  test("is free as soon as it is unlocked, though a child inherited every open file (T37)", async () => {
    const path = join(directory, "owner.lock")
    // A fork copies open files; they end with its exec, some moments later. Threads of this process fork all the time.
    const forks = new Worker(
      `const { spawnSync } = require("node:child_process"); for (;;) spawnSync("true", { stdio: "ignore" })`,
      { eval: true },
    )
    later(() => forks.terminate())
    await once(forks, "online")
    for (let round = 0; round < 400; round++) {
      const lock = await nodeFsCalls.lock(path)
      expect(lock, `round ${round}`).not.toBe(null)
      await lock?.release()
    }
  })

  test("without a binary for the platform the error says what to do", () => {
    expect(() => load("plan9-mips", [])).toThrow(
      expect.objectContaining({ code: "LOG_FAILED", message: expect.stringMatching(/plan9-mips; run `npm ci`/) }),
    )
    expect(load(`${process.platform}-${process.arch}`).tryLock).toBeTypeOf("function")
  })

  test("a file that cannot be locked is an error, not a lock", () => {
    expect(() => tryLock(99_999)).toThrow(
      expect.objectContaining({ code: "LOG_FAILED", message: expect.stringContaining("local disk") }),
    )
  })
})

/** A process that prints what becomes of it. */
class Contender {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(script: string, wanted: "directory" | "document", wrapper: readonly string[] = namespace ?? []) {
    const [program, ...args] = [...wrapper, process.execPath, script, directory, wanted]
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], detached: true })
    this.#child = child
    createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(line))
    this.#ended = once(child, "close")
    later(() => this.kill())
  }

  /** The number of the last record that was durable. */
  get acknowledged(): number {
    return Number(this.lines.findLast((line) => /^\d+$/.test(line)) ?? 0)
  }

  said(pattern: RegExp): string | undefined {
    return this.lines.find((line) => pattern.test(line))
  }

  async kill(): Promise<void> {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGKILL")
    } catch {
      // It is gone.
    }
    await this.#ended
  }
}

describe.skipIf(namespace === null)("processes that cannot see each other's ids (I14, T37)", () => {
  test.each(["directory", "document"] as const)(
    "the second is refused the %s while the first runs, and owns it right after kill -9",
    {
      timeout: 60_000,
    },
    async (wanted) => {
      const script = await bundle("testing/owner-process.ts")
      let found = 0
      let owner = new Contender(script, wanted)
      for (let round = 0; round < 3; round++) {
        await until(() => owner.acknowledged >= found + 30, "the owner works")
        const successor = new Contender(script, wanted)
        const refusal = wanted === "directory" ? "refused SERVER_DIRECTORY_OWNED" : "refused LOG_OWNED"
        await until(() => successor.lines.filter((line) => line === refusal).length >= 3, "the second asks")
        const before = owner.acknowledged
        await until(() => owner.acknowledged > before + 10, "the owner works on")
        expect([owner, successor].map(({ lines }) => lines[0])).toEqual(["pid 1", "pid 1"])
        expect(successor.said(/^open/)).toBe(undefined)
        await owner.kill()
        await until(() => successor.said(/^open/) !== undefined, "the second has it", RIGHT_AFTER_MS)
        found = Number(successor.said(/^open/)?.split(" ")[1])
        expect(found).toBeGreaterThanOrEqual(owner.acknowledged)
        owner = successor
      }
      await owner.kill()
      const { log, records } = await openFsLog(join(directory, "docs", "d"))
      await log.close()
      expect(records.findLast(({ stream }) => stream === "n")?.lsn).toBeGreaterThanOrEqual(owner.acknowledged)
    },
  )

  test("a machine without /proc: the same", { timeout: 60_000 }, async () => {
    const script = await bundle("testing/owner-process.ts")
    const mount = 'mount -t tmpfs none /proc && exec "$@"'
    const [unshare, ...options] = namespace ?? []
    const wrapper = [
      unshare,
      ...options.filter((option) => option !== "--mount-proc"),
      "--mount",
      "sh",
      "-c",
      mount,
      "sh",
    ]
    const owner = new Contender(script, "directory", wrapper)
    await until(() => owner.acknowledged >= 10, "the owner works")
    const successor = new Contender(script, "directory", wrapper)
    await until(() => successor.said(/^refused/) !== undefined, "the second asks")
    await owner.kill()
    await until(() => successor.acknowledged > owner.acknowledged, "the second has it", RIGHT_AFTER_MS)
  })

  test("removing a live owner's lock file deposes it, and keeps what it acknowledged (I3)", {
    timeout: 60_000,
  }, async () => {
    const script = await bundle("testing/owner-process.ts")
    let owner = new Contender(script, "document")
    for (let round = 0; round < 3; round++) {
      await until(() => owner.acknowledged >= 30, "the owner works")
      await rm(join(directory, "docs", "d", "owner.lock"))
      const successor = new Contender(script, "document")
      await until(
        () => successor.said(/^open/) !== undefined && owner.said(/^stopped/) !== undefined,
        "it changes hands",
      )
      expect(owner.said(/^stopped/)).toBe("stopped LOG_DEPOSED")
      expect(Number(successor.said(/^open/)?.split(" ")[1])).toBeGreaterThanOrEqual(owner.acknowledged)
      await owner.kill()
      owner = successor
    }
  })
})

async function sourceOf(name: string): Promise<string> {
  return await readFile(join(import.meta.dirname, `${name}.ts`), "utf8")
}
