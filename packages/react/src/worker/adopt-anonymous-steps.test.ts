import { LfError, sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import type { Platform } from "../platform/port.ts"
import { itemsMutator, itemsServer, type SceneOptions, WorkerScene } from "../testing/worker-scene.ts"
import { adoptWholeLog } from "./adopt-anonymous.ts"
import { OpenDocument } from "./open-document.ts"

beforeAll(loadChecksum)

async function until(holds: () => unknown): Promise<void> {
  await vi.waitFor(async () => expect(await holds()).toBeTruthy(), { timeout: 5_000, interval: 2 })
}
/** All that is under way and needs no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}
const full = new LfError("LOG_FULL", "the disk is full")
const claimed = "claimed/user/3/ann/d"
const anonymousLock = "lf/1/owner/anonymous/d"

/** A device whose disk does what the test says, and what happened to its logs and to the anonymous one's lock. */
function setUp({ network }: Pick<SceneOptions, "network"> = {}) {
  const steps: string[] = []
  const given = network === undefined ? {} : { network }
  const scene = new WorkerScene({
    ...given,
    change: (platform) => ({
      ...platform,
      openLog: async (key) => {
        if (key !== "user/3/ann/d") steps.push(`open ${key}`)
        const opened = await platform.openLog(key)
        const close = async () => {
          if (key !== "user/3/ann/d") steps.push(`close ${key}`)
          await opened.log.close()
        }
        return { ...opened, log: { ...opened.log, close } }
      },
      moveLog: async (from, to) => {
        steps.push(`move ${from} ${to}`)
        await platform.moveLog(from, to)
      },
      deleteLog: async (key) => {
        steps.push(`delete ${key}`)
        await platform.deleteLog(key)
      },
      ownWhenFree: async (name, signal) => {
        steps.push("wait")
        const { release } = await platform.ownWhenFree(name, signal)
        steps.push("own")
        return {
          release: () => {
            steps.push("release")
            release()
          },
        }
      },
    }),
  })
  /** How much was pending at each change. */
  const states: number[] = []
  const open = (user: string | null, platform = scene.platform): OpenDocument => {
    const document: OpenDocument = new OpenDocument({
      doc: "d",
      user,
      url: "http://a/lf",
      mutator: itemsMutator,
      platform,
      crashed: new Set(),
      token: async () => null,
      onState: () => states.push(document.pendingCount),
      onRejection: () => {},
      onOpened: () => {},
      onCleared: () => {},
      onFailed: () => {},
      onReplaced: () => {},
    })
    return document
  }
  /** `ids` are written by `user` and their document is closed. */
  const write = async (user: string | null, ...ids: string[]) => {
    const document = open(user)
    const local = await document.local
    for (const id of ids) await local.run("Add", id).durable
    await document.close()
    steps.splice(0)
  }
  const adoption = () => adoptWholeLog({ platform: scene.platform, doc: "d", user: "ann" })
  return { scene, steps, states, open, write, adoption }
}

describe("a user without a log of their own (T26)", () => {
  test("gets the whole anonymous log once it is free and opens; then the lock is free again", async () => {
    const { scene, steps, write, adoption } = setUp()
    await write(null, "1")
    await adoption()
    const whole = ["open anonymous/d", "close anonymous/d", "move anonymous/d user/3/ann/d"]
    expect(steps).toEqual(["wait", "own", ...whole, "release"])
    await settled()
    expect([await scene.platform.hasLog("anonymous/d"), await scene.platform.hasLog("user/3/ann/d")]).toEqual([
      false,
      true,
    ])
    expect(scene.clock.timers.size).toBe(0)
  })

  test("without an anonymous log waits for nothing; one with a log claims it beside its own", async () => {
    const { steps, write, adoption } = setUp()
    await adoption()
    await write("ann", "hers")
    await write(null, "1")
    await adoption()
    expect(steps).toEqual([])
  })

  test("waits four seconds for tabs that show the anonymous one, then goes on without", async () => {
    const { scene, steps, open, adoption } = setUp()
    const document = open(null)
    await document.local
    steps.splice(0)
    let isOver = false
    const claiming = adoption().then(() => {
      isOver = true
    })
    await until(() => scene.isArmed(4_000))
    scene.pass(3_999)
    await settled()
    expect([isOver, steps]).toEqual([false, ["wait"]])
    scene.pass(1)
    await claiming
    await document.close()
    await settled()
    expect(steps).not.toContain("own")
    expect(await scene.platform.hasLog("anonymous/d")).toBe(true)
  })

  test.each(["openLog", "moveLog"] as const)(
    "goes on without one of which %s fails; it stays, and is free",
    async (name) => {
      const { scene, write, steps } = setUp()
      await write(null, "1")
      const platform = { ...scene.platform, [name]: () => Promise.reject(full) }
      await adoptWholeLog({ platform, doc: "d", user: "ann" })
      expect([steps.at(-1), await scene.platform.hasLog("anonymous/d")]).toEqual(["release", true])
    },
  )
})

describe("a user with a log of their own (T26)", () => {
  test("has the anonymous one sent beside it, which is deleted when the server has it", async () => {
    const { network, remote } = await itemsServer("ann")
    network.setOnline(false)
    const { scene, steps, states, open, write } = setUp({ network })
    await write("ann", "hers")
    await write(null, "1", "2")
    const ann = open("ann")
    await until(() => ann.pendingCount === 3)
    const taken = ["wait", "own", "open anonymous/d", "close anonymous/d", `move anonymous/d ${claimed}`, "release"]
    expect(steps).toEqual([...taken, `open ${claimed}`])
    expect(ann.pendingParts().claimed.map(({ args }) => args)).toEqual(["1", "2"])
    await until(() => ann.state.status === "offline")
    network.setOnline(true)
    ann.poke()
    await until(() => steps.includes(`delete ${claimed}`) && ann.pendingCount === 0)
    expect(steps.slice(taken.length + 1)).toEqual([`close ${claimed}`, `delete ${claimed}`])
    expect([ann.pendingParts().claimed, ann.state.error]).toEqual([[], null])
    expect(remote.query(sql`select id from items order by id`)).toEqual([{ id: "1" }, { id: "2" }, { id: "hers" }])
    await settled()
    expect(states.at(-1)).toBe(0)
    expect(await scene.platform.hasLog(claimed)).toBe(false)
    await ann.close()
  })

  test("does not get one in which nothing waits for the server: it stays where it is, and is free", async () => {
    const { scene, steps, open, write } = setUp()
    await write("ann", "hers")
    await write(null)
    const ann = open("ann")
    await until(() => steps.includes("release"))
    await settled()
    expect(steps).toEqual(["wait", "own", "open anonymous/d", "close anonymous/d", "release"])
    expect([ann.pendingCount, await scene.platform.hasLog("anonymous/d")]).toEqual([1, true])
  })

  test("is not asked to wait for a lock where none was ever written", async () => {
    const { steps, open, write } = setUp()
    await write("ann", "hers")
    const ann = open("ann")
    await ann.local
    await settled()
    expect(steps).toEqual([])
    ann.lookForClaim()
    await settled()
    expect(steps).toEqual([])
  })

  test("goes on with what was claimed before the worker ended, and then takes what came meanwhile", async () => {
    const { network } = await itemsServer("ann")
    network.setOnline(false)
    const { steps, open, write } = setUp({ network })
    await write("ann", "hers")
    await write(null, "1")
    const before = open("ann")
    await until(() => before.pendingCount === 2)
    await before.close()
    expect(steps.at(-1)).toBe(`close ${claimed}`)
    await write(null, "2")
    const ann = open("ann")
    await until(() => ann.pendingCount === 2)
    expect(steps).toEqual([`open ${claimed}`])
    network.setOnline(true)
    ann.poke()
    await until(() => steps.filter((step) => step === `delete ${claimed}`).length === 2)
    await until(() => ann.pendingCount === 0)
    expect(ann.state.error).toBe(null)
  })

  test("that stays offline sends nothing of what is claimed either, until it is online", async () => {
    const { network } = await itemsServer("ann")
    const { scene, steps, open, write } = setUp({ network })
    await write("ann")
    network.setOnline(false)
    await write(null, "1")
    network.setOnline(true)
    const ann = open("ann")
    ann.setOnline(false)
    await until(() => ann.pendingCount === 1)
    await settled()
    const { tries } = scene
    ann.poke()
    scene.pass(60_000)
    await settled()
    expect([ann.pendingCount, scene.tries]).toEqual([1, tries])
    ann.setOnline(true)
    await until(() => steps.includes(`delete ${claimed}`) && ann.pendingCount === 0)
  })

  test("says why what is claimed cannot be sent, as long as that is so", async () => {
    const { network } = await itemsServer("ben")
    const { open, write } = setUp({ network })
    await write("ann")
    network.setOnline(false)
    await write(null, "1")
    const ann = open("ann")
    await until(() => ann.pendingCount === 1)
    network.setOnline(true)
    ann.poke()
    await until(() => ann.state.error?.code === "AUTH_REQUIRED")
    expect(ann.pendingCount).toBe(1)
  })

  test("reports an anonymous log that cannot be opened, is served, and tries again next time", async () => {
    const { network } = await itemsServer("ann")
    network.setOnline(false)
    let isBroken = true
    const { scene, open, write } = setUp({ network })
    await write("ann")
    await write(null, "1")
    const { openLog } = scene.platform
    const platform: Platform = {
      ...scene.platform,
      openLog: (key) => (isBroken && key === claimed ? Promise.reject(new Error("damaged")) : openLog(key)),
    }
    const ann = open("ann", platform)
    network.setOnline(true)
    await until(() => ann.state.error?.code === "LOG_FAILED")
    expect([ann.state.isOpen, ann.pendingCount]).toEqual([true, 0])
    isBroken = false
    ann.lookForClaim()
    await until(async () => !(await platform.hasLog(claimed)))
    await until(() => ann.state.error === null && ann.pendingCount === 0)
    await ann.close()
  })

  test("whose document closes stops waiting for the anonymous lock, and releases what is claimed", async () => {
    const { scene, steps, open, write } = setUp()
    await write("ann")
    const anonymous = open(null)
    await anonymous.local
    steps.splice(0)
    const ann = open("ann")
    await until(() => steps.includes("wait"))
    await ann.close()
    expect(ann.state.error?.code).not.toBe("LOG_FAILED")
    await anonymous.close()
    await settled()
    expect([steps.includes("own"), scene.owned.has(anonymousLock), scene.owned.size]).toEqual([false, false, 0])
  })

  test("reports a disk failure while a claimed log is sent; that log stays for the next opening", async () => {
    const { scene, steps, open, write } = setUp()
    await write("ann")
    await write(null, "1")
    const ann = open("ann")
    await until(() => ann.pendingCount === 1)
    scene.endLog(full)
    await settled()
    expect(steps).not.toContain(`delete ${claimed}`)
    expect(await scene.platform.hasLog(claimed)).toBe(true)
  })
})
