import { loadChecksum, type OpenedLog, pagesChecksum } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../core/src/testing/log-contract.ts"
import { CrashDisk, LOSSES } from "../testing/crash-disk.ts"
import { openFsLog } from "./fs-log.ts"

await loadChecksum()

/** All of a state as one text: comparing pages byte by byte would take most of this test's time. */
type State = string

function stateFrom({ checkpoint, records }: Pick<OpenedLog, "checkpoint" | "records">): State {
  const past = checkpoint === null ? "nothing" : `${checkpoint.pages.length}/${pagesChecksum(checkpoint.pages)}`
  return [past, ...records.map(({ stream, lsn, type, hash }) => `${stream}${lsn} ${type} ${hash}`)].join()
}

/** Two rollups with appends around them, and while the second one is prepared. Returns the last acknowledged state, and the last attempted one. */
async function run(disk: CrashDisk): Promise<{ acked: number; tried: number }> {
  const reached = { acked: 0, tried: 0 }
  const isExpected = (error: unknown) =>
    expect(error).toMatchObject({ code: expect.stringMatching(/^LOG_(FAILED|FULL)$/) })
  try {
    const { log } = await openFsLog("d", disk.fs)
    try {
      let checkpoint = checkpointOf(1, 1)
      for (const step of STEPS) {
        reached.tried++
        if (step.rollup !== undefined && !step.isPrepared) checkpoint = checkpointOf(step.rollup, step.rollup)
        if (step.rollup !== undefined) await log.rollup(checkpoint, step.live)
        else if (step.prepares === undefined) await log.append(step.live)
        else {
          checkpoint = checkpointOf(step.prepares, step.prepares)
          // Both, whatever becomes of one: nothing may go on behind the close.
          const [prepared, appended] = await Promise.allSettled([
            log.prepare?.(checkpoint.pages),
            log.append(step.live),
          ])
          for (const one of [appended, prepared]) if (one.status === "rejected") throw one.reason
        }
        reached.acked++
      }
    } finally {
      // One whose disk is only full closes: the next owner goes on in its file, torn tail and all.
      await log.close().catch(isExpected)
    }
  } catch (error) {
    isExpected(error)
  }
  return reached
}

const [a, b, c] = [chainOf("a", ["1", "2", "3"]), chainOf("b", ["1", "2"]), chainOf("c", ["1"])]
const STEPS: { live: typeof a; rollup?: number; prepares?: number; isPrepared?: boolean }[] = [
  { live: a.slice(0, 2) },
  { live: b.slice(0, 1) },
  { rollup: 2, live: a.slice(0, 2) },
  { live: a.slice(2) },
  { live: b.slice(1), prepares: 3 },
  { rollup: 3, live: [], isPrepared: true },
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
  test.each(LOSSES)("a crash at any call leaves the old state or the new one: %s (I3, I12)", async (loss) => {
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

  test.each(LOSSES)("a crash at any call of the recovery changes nothing: %s (I13)", async (loss) => {
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

  test("an error at any call fails the log; reopening finds all that was acknowledged (T19)", async () => {
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

  test("a full disk is LOG_FULL, others LOG_FAILED with their cause; no call is retried (T19)", async () => {
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
