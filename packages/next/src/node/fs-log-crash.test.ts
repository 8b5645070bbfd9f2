import { loadChecksum, type OpenedLog, pagesChecksum } from "@lf/core"
import { describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../core/src/testing/log-contract.ts"
import type { FsCalls, FsFile } from "./fs-calls.ts"
import { openFsLog } from "./fs-log.ts"

await loadChecksum()

/** What happens: the process is killed and the cache stays, or the power goes and only this is left beside what was synced. */
const LOSSES = ["process killed", "all lost", "names kept, data lost", "last name kept", "half lost"] as const
const NONE = new Uint8Array(0)
type Loss = (typeof LOSSES)[number]

interface Inode {
  readonly id: number
  data: Uint8Array
  /** What the disk has, and which parts of `data` the cache would bring to it. */
  synced: Uint8Array
  dirty: { readonly at: number; readonly bytes: Uint8Array }[]
}

/** A directory in memory that stops at its n-th call and forgets what was not synced. */
class CrashDisk {
  calls = 0
  stopAt = Number.POSITIVE_INFINITY
  /** What the n-th call throws; null: the machine stops, and every later call throws too. */
  failWith: string | null = null
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #nameChanges: ((names: Map<string, Inode>) => void)[] = []
  #nextId = 1

  reboot(loss: Loss): void {
    if (loss !== "process killed") {
      const changes = this.#nameChanges
      if (loss === "last name kept") changes.at(-1)?.(this.#durableNames)
      else if (loss === "names kept, data lost") for (const change of changes) change(this.#durableNames)
      else if (loss === "half lost")
        for (const change of changes.slice(0, changes.length >> 1)) change(this.#durableNames)
      this.#names = new Map(this.#durableNames)
      for (const inode of this.#names.values()) survive(inode, loss)
      this.#nameChanges = []
    }
    // The owner is dead; that its lock is taken over is another test's matter.
    for (const name of this.#names.keys()) if (name.includes("owner.lock")) this.#names.delete(name)
    this.calls = 0
    this.stopAt = Number.POSITIVE_INFINITY
    this.failWith = null
  }

  readonly fs: FsCalls = {
    makeDirectory: async () => this.#call(),
    list: async (path) => {
      this.#call()
      return [...this.#names.keys()].map((name) => name.slice(path.length + 1))
    },
    read: async (path) => {
      this.#call()
      return this.#inode(path).data.slice()
    },
    open: async (path, flags) => {
      this.#call()
      if (flags === "wx" && this.#names.has(path)) throw errno("EEXIST")
      if (flags === "r+") return this.#file(this.#inode(path))
      const inode = this.#names.get(path) ?? { id: this.#nextId++, data: NONE, synced: NONE, dirty: [] }
      inode.data = NONE
      inode.dirty = []
      this.#rename((names) => names.set(path, inode))
      return this.#file(inode)
    },
    rename: async (from, to) => {
      this.#call()
      const inode = this.#inode(from)
      this.#rename((names) => {
        names.delete(from)
        names.set(to, inode)
      })
    },
    remove: async (path) => {
      this.#call()
      this.#rename((names) => names.delete(path))
    },
    syncDirectory: async () => {
      this.#call()
      this.#durableNames = new Map(this.#names)
      this.#nameChanges = []
    },
    identity: async (path) => {
      this.#call()
      return String(this.#names.get(path)?.id ?? null)
    },
  }

  #file(inode: Inode): FsFile {
    return {
      write: async (bytes, position) => {
        const written = this.#dies() ? bytes.subarray(0, bytes.length >> 1) : bytes
        inode.data = overwrite(inode.data, position, written)
        inode.dirty.push({ at: position, bytes: written.slice() })
        this.#call()
      },
      datasync: async () => {
        const dirty = inode.dirty
        // After a failed sync the cache counts as clean: syncing again would bring nothing (T19).
        inode.dirty = []
        this.#call()
        for (const { at, bytes } of dirty) inode.synced = overwrite(inode.synced, at, bytes)
        inode.synced = inode.synced.slice(0, inode.data.length)
      },
      truncate: async (length) => {
        this.#call()
        inode.data = inode.data.slice(0, length)
      },
      identity: async () => String(inode.id),
      close: async () => {
        if (this.failWith === null) this.#call()
      },
    }
  }

  #dies(): boolean {
    return this.calls + 1 === this.stopAt
  }

  #call(): void {
    this.calls++
    if (this.failWith !== null && this.calls === this.stopAt) throw errno(this.failWith)
    if (this.failWith === null && this.calls >= this.stopAt) throw errno("CRASH")
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw errno("ENOENT")
    return inode
  }

  #rename(change: (names: Map<string, Inode>) => void): void {
    change(this.#names)
    this.#nameChanges.push(change)
  }
}

function survive(inode: Inode, loss: Loss): void {
  if (loss === "half lost") {
    // The size may grow before the bytes arrive: then there are zeros.
    const size = Math.max(inode.synced.length, inode.data.length)
    for (const { at, bytes } of inode.dirty) {
      inode.synced = overwrite(inode.synced, at, bytes.subarray(0, bytes.length >> 1))
    }
    inode.synced = overwrite(inode.synced, size, NONE)
  }
  inode.data = inode.synced
  inode.dirty = []
}

function overwrite(data: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.max(data.length, at + bytes.length))
  result.set(data)
  result.set(bytes, at)
  return result
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** All of a state as one text: comparing pages byte by byte would take most of this test's time. */
type State = string

function stateFrom({ checkpoint, records }: Pick<OpenedLog, "checkpoint" | "records">): State {
  const past = checkpoint === null ? "nothing" : `${checkpoint.pages.length}/${pagesChecksum(checkpoint.pages)}`
  return [past, ...records.map(({ stream, lsn, type, hash }) => `${stream}${lsn} ${type} ${hash}`)].join()
}

/** Two rollups with appends around them. Tells which state was acknowledged last, and which was tried last. */
async function run(disk: CrashDisk): Promise<{ acked: number; tried: number }> {
  const reached = { acked: 0, tried: 0 }
  try {
    const { log } = await openFsLog("d", disk.fs)
    for (const step of STEPS) {
      reached.tried++
      if (step.rollup === undefined) await log.append(step.live)
      else await log.rollup(checkpointOf(step.rollup, step.rollup), step.live)
      reached.acked++
    }
    await log.close()
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^LOG_(FAILED|FULL)$/) })
  }
  return reached
}

const [a, b, c] = [chainOf("a", ["1", "2", "3"]), chainOf("b", ["1", "2"]), chainOf("c", ["1"])]
const STEPS: { live: typeof a; rollup?: number }[] = [
  { live: a.slice(0, 2) },
  { live: b.slice(0, 1) },
  { rollup: 2, live: a.slice(0, 2) },
  { live: a.slice(2) },
  { live: b.slice(1) },
  { rollup: 3, live: [] },
  { live: c },
]
const STATES: State[] = STEPS.reduce<Pick<OpenedLog, "checkpoint" | "records">[]>(
  (states, { live, rollup }) => {
    const last = states[states.length - 1]
    const records = rollup === undefined ? [...last.records, ...live] : live
    states.push({ records, checkpoint: rollup === undefined ? last.checkpoint : checkpointOf(rollup, rollup) })
    return states
  },
  [{ checkpoint: null, records: [] }],
).map(stateFrom)

async function stateOf(disk: CrashDisk): Promise<State> {
  const opened = await openFsLog("d", disk.fs)
  await opened.log.close()
  return stateFrom(opened)
}

function expectReached({ acked, tried }: { acked: number; tried: number }, found: State): void {
  expect(STATES.slice(acked, tried + 1)).toContain(found)
}

async function callsOf(work: (disk: CrashDisk) => Promise<unknown>): Promise<number> {
  const disk = new CrashDisk()
  await work(disk)
  return disk.calls
}

describe("fs log under crashes", () => {
  test.each(LOSSES)("I3 I12 a crash at any call leaves the old state or the new one: %s", async (loss) => {
    const calls = await callsOf(run)
    expect(calls).toBeGreaterThan(50)
    for (let stopAt = 1; stopAt <= calls + 1; stopAt++) {
      const disk = new CrashDisk()
      disk.stopAt = stopAt
      const reached = await run(disk)
      disk.reboot(loss)
      const found = await stateOf(disk)
      expectReached(reached, found)
      // What was read once is there for good, whatever the next power failure takes.
      disk.reboot("all lost")
      expect(await stateOf(disk)).toEqual(found)
    }
  })

  test.each(LOSSES)("I13 a crash at any call of the recovery changes nothing: %s", async (loss) => {
    const calls = await callsOf(run)
    for (let stopAt = 1; stopAt <= calls; stopAt++) {
      for (let recoveryStopAt = 1; ; recoveryStopAt++) {
        const disk = new CrashDisk()
        disk.stopAt = stopAt
        const reached = await run(disk)
        disk.reboot(stopAt % 2 === 0 ? "half lost" : "process killed")
        disk.stopAt = recoveryStopAt
        const isDone = await stateOf(disk).then(
          () => true,
          () => false,
        )
        disk.reboot(loss)
        expectReached(reached, await stateOf(disk))
        if (isDone) break
      }
    }
  })

  test("T19 an error at any call fails the log for good, and reopening finds all that was acknowledged", async () => {
    const calls = await callsOf(run)
    for (let stopAt = 1; stopAt <= calls; stopAt++) {
      for (const loss of ["process killed", "all lost"] as const) {
        const disk = new CrashDisk()
        disk.stopAt = stopAt
        disk.failWith = "ENOSPC"
        const reached = await run(disk)
        disk.reboot(loss)
        const found = await stateOf(disk)
        expectReached(reached, found)
        disk.reboot("all lost")
        expect(await stateOf(disk)).toBe(found)
      }
    }
  })

  test("T19 a full disk is LOG_FULL, others are LOG_FAILED with their cause, and no call is tried again", async () => {
    for (const [code, expected] of [
      ["ENOSPC", "LOG_FULL"],
      ["EDQUOT", "LOG_FULL"],
      ["EIO", "LOG_FAILED"],
    ]) {
      const disk = new CrashDisk()
      const { log } = await openFsLog("d", disk.fs)
      disk.failWith = code
      disk.stopAt = disk.calls + 3
      const error = await log.append(a).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: expected, cause: { code } })
      const { calls } = disk
      await expect(log.append(b)).rejects.toBe(error)
      await expect(log.rollup(checkpointOf(1, 1), [])).rejects.toBe(error)
      expect(disk.calls).toBe(calls)
      await log.close()
    }
  })
})
