// Two owners of one log in a browser: the old one was frozen, and goes on while the new one works. They take turns at each
// call on a file and between their steps; a transaction is one call of its own.
import { isLfError } from "@lf/core"
import { type DocumentLog, type LogRecord, loadChecksum } from "@lf/core/internal"
import { IDBFactory } from "fake-indexeddb"
import { describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../../core/src/testing/log-contract.ts"
import type { BrowserStorage } from "./browser-storage.ts"
import { openBrowserLog } from "./idb-log.ts"
import type { CheckpointFiles } from "./opfs-checkpoint.ts"

await loadChecksum()

type Step = "open" | "append" | "rollup"

/** What both owners see. */
class Disk {
  readonly indexedDB = new IDBFactory()
  readonly files = new Map<string, Uint8Array>()
}

class Owner {
  readonly acknowledged: string[] = []
  readonly rollups: number[] = []
  failure: unknown = null
  isDone = false
  calls = 0
  readonly #name: string
  readonly #storage: BrowserStorage
  #log: DocumentLog | null = null
  #records: LogRecord[] = []
  #tried = 0
  #isFree = true
  #proceed: () => void = () => {}
  #rest: () => void = () => {}

  constructor(name: string, disk: Disk) {
    this.#name = name
    const files = this.#gated(disk.files)
    this.#storage = {
      indexedDB: disk.indexedDB,
      files: async () => files,
      removeFiles: async () => {},
      isPrivate: async () => false,
    }
  }

  async prepare(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#take(step)
  }

  /** Begins `steps` and stops before the first of them. */
  async begin(steps: readonly Step[]): Promise<void> {
    this.#isFree = false
    const rests = this.#rests()
    void this.#run(steps)
    await rests
  }

  async step(): Promise<void> {
    this.calls++
    const rests = this.#rests()
    this.#proceed()
    await rests
  }

  async #run(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        await this.#turn()
        await this.#take(step)
      }
    } catch (error) {
      this.failure = error
    }
    this.isDone = true
    this.#rest()
  }

  async #take(step: Step): Promise<void> {
    if (step === "open") {
      const { log, records } = await openBrowserLog({ key: "d", storage: this.#storage })
      this.#log = log
      this.#records = [...records]
      return
    }
    const [record] = chainOf(`${this.#name}${++this.#tried}`, ["x"])
    this.#records.push(record)
    if (step === "append") await this.#log?.append([record])
    else {
      const number = this.#name.charCodeAt(0) + this.#tried
      await this.#log?.rollup(checkpointOf(number, 2), this.#records)
      this.rollups.push(number)
    }
    this.acknowledged.push(record.stream)
  }

  #gated(files: Map<string, Uint8Array>): CheckpointFiles {
    const around = async <T>(call: () => T | Promise<T>): Promise<T> => {
      await this.#turn()
      const result = await call()
      await this.#turn()
      return result
    }
    return {
      names: () => around(() => [...files.keys()]),
      read: (name) => around(() => files.get(name) ?? null),
      write: (name, parts) =>
        around(async () => void files.set(name, new Uint8Array(await new Blob([...parts]).arrayBuffer()))),
      remove: (name) => around(() => void files.delete(name)),
    }
  }

  #turn(): Promise<void> {
    if (this.#isFree) return Promise.resolve()
    return new Promise((resolve) => {
      this.#proceed = resolve
      this.#rest()
    })
  }

  #rests(): Promise<void> {
    return new Promise((resolve) => {
      this.#rest = resolve
    })
  }
}

const OLD: readonly Step[] = ["rollup", "append"]
const NEW: readonly Step[] = ["open", "append", "rollup", "append"]

/** The old owner makes `first` calls, the new one `second`, then the old one goes on to its end, then the new one. */
async function play(first: number, second: number) {
  const disk = new Disk()
  const [old, successor] = ["a", "b"].map((name) => new Owner(name, disk))
  await old.prepare(["open", "append", "rollup", "append"])
  await old.begin(OLD)
  await successor.begin(NEW)
  const run = async (owner: Owner, count: number) => {
    for (let i = 0; i < count && !owner.isDone; i++) await owner.step()
  }
  await run(old, first)
  await run(successor, second)
  await run(old, Number.POSITIVE_INFINITY)
  await run(successor, Number.POSITIVE_INFINITY)
  return { disk, old, successor }
}

describe("two owners of a log in a browser, one of which was taken for dead (I14)", () => {
  test("the new owner never fails; what either acknowledged is there, with the last rollup's pages", async () => {
    const alone = await play(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
    let tried = 0
    for (let first = 0; first < alone.old.calls; first++) {
      for (let second = 0; second <= alone.successor.calls; second++) {
        const { disk, old, successor } = await play(first, second)
        const at = `after ${first} and ${second} calls`
        expect(successor.failure, at).toBe(null)
        if (old.failure !== null) expect(isLfError(old.failure) && old.failure.code, at).toBe("LOG_DEPOSED")
        const { checkpoint, records } = await openBrowserLog({ key: "d", storage: storageOf(disk) })
        expect(checkpoint, at).toEqual(checkpointOf(successor.rollups.at(-1) ?? Number.NaN, 2))
        const found = records.map(({ stream }) => stream)
        expect(found, at).toEqual(expect.arrayContaining([...old.acknowledged, ...successor.acknowledged]))
        expect(new Set(found).size, at).toBe(found.length)
        expect(disk.files.size, at).toBe(1)
        tried++
      }
    }
    expect(tried).toBeGreaterThan(80)
  })
})

function storageOf(disk: Disk): BrowserStorage {
  const files: CheckpointFiles = {
    names: async () => [...disk.files.keys()],
    read: async (name) => disk.files.get(name) ?? null,
    write: async () => {},
    remove: async (name) => void disk.files.delete(name),
  }
  return {
    indexedDB: disk.indexedDB,
    files: async () => files,
    removeFiles: async () => {},
    isPrivate: async () => false,
  }
}
