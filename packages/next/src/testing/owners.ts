// Several owners of one document on one disk whose lock excludes none of them. They take turns call by call, in an order
// that a test decides, and what was acknowledged to each is compared with what the disk has in the end.
import { isLfError } from "@lf/core"
import type { LogRecord, OpenedLog } from "@lf/core/internal"
import { chainOf, checkpointOf } from "../../../core/src/testing/log-contract.ts"
import type { FsCalls, FsFile } from "../node/fs-calls.ts"
import { openFsLog } from "../node/fs-log.ts"
import { CrashDisk, type Loss } from "./crash-disk.ts"

const DIRECTORY = "d"

export type Step = "open" | "append" | "rollup" | "close"

/** Which calls wait for their turn: "shared" leaves out those on files under names that only their owner uses. */
export type Grain = "all" | "shared"

/** One process: its calls wait for their turn. */
export class Owner {
  readonly name: string
  readonly calls: FsCalls
  readonly #disk: CrashDisk
  /** When each record was begun, and when it was acknowledged, in calls of the disk. */
  readonly begun = new Map<string, number>()
  readonly acknowledged = new Map<string, number>()
  /** The rollups that were tried, and how many of them succeeded. */
  readonly rollups: number[] = []
  rollupsDone = 0
  opened: { readonly records: readonly string[]; readonly rollup: number } | null = null
  failure: unknown = null
  isDone = false
  #log: OpenedLog["log"] | null = null
  #records: LogRecord[] = []
  #tried = 0
  #isFree = true
  #proceed: (() => void) | null = null
  #rest: (() => void) | null = null

  constructor(name: string, disk: CrashDisk, grain: Grain) {
    this.name = name
    this.#disk = disk
    this.calls = gated(disk.fs, (path) => (grain === "shared" && isPrivate(path) ? undefined : this.#turn()))
  }

  /** Does all of `steps` without waiting. */
  async prepare(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#take(step)
  }

  /** Begins `steps` and stops before the first call. */
  async begin(steps: readonly Step[]): Promise<void> {
    this.#isFree = false
    const rests = this.#rests()
    void this.#run(steps)
    await rests
  }

  /** Makes one call, and what follows of it up to the next one. */
  async step(): Promise<void> {
    const rests = this.#rests()
    const proceed = this.#proceed
    this.#proceed = null
    proceed?.()
    await rests
  }

  #rests(): Promise<void> {
    return new Promise((resolve) => {
      this.#rest = resolve
    })
  }

  #turn(): Promise<void> | undefined {
    if (this.#isFree) return undefined
    return new Promise((resolve) => {
      this.#proceed = resolve
      this.#rest?.()
    })
  }

  async #run(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) await this.#take(step)
    } catch (error) {
      this.failure = error
    }
    this.isDone = true
    this.#rest?.()
  }

  async #take(step: Step): Promise<void> {
    if (step === "open") {
      const { log, checkpoint, records } = await openFsLog(DIRECTORY, this.calls)
      this.#log = log
      this.#records = [...records]
      this.opened = { records: records.map(({ stream }) => stream), rollup: checkpoint?.meta[0] ?? 0 }
    } else if (step === "append") {
      const record = this.#make()
      await this.#log?.append([record])
      this.acknowledged.set(record.stream, this.#disk.calls)
    } else if (step === "rollup") {
      // What was not appended yet becomes durable with a rollup.
      const record = this.#make()
      const number = this.name.charCodeAt(0) + this.#tried
      this.rollups.push(number)
      await this.#log?.rollup(checkpointOf(number, 1), this.#records)
      this.rollupsDone++
      this.acknowledged.set(record.stream, this.#disk.calls)
    } else await this.#log?.close()
  }

  #make(): LogRecord {
    const [record] = chainOf(`${this.name}${++this.#tried}`, ["x"])
    this.#records.push(record)
    this.begun.set(record.stream, this.#disk.calls)
    return record
  }
}

export interface Play {
  readonly owners: readonly Owner[]
  readonly disk: CrashDisk
}

/** What happened before, and what each owner is about to do. The first one has the document when `before` has run. */
export interface Scene {
  readonly before: readonly Step[]
  readonly owners: readonly (readonly Step[])[]
}

/** Names the owner whose turn it is, of those that are not done; null: the machine stops here. */
export type Schedule = (owners: readonly Owner[]) => Owner | null

export async function play(scene: Scene, next: Schedule, grain: Grain): Promise<Play> {
  const disk = new CrashDisk()
  disk.isLockFree = true
  const owners = scene.owners.map((_, i) => new Owner("abc"[i], disk, grain))
  await owners[0].prepare(scene.before)
  for (const [i, owner] of owners.entries()) await owner.begin(scene.owners[i])
  for (;;) {
    const going = owners.filter(({ isDone }) => !isDone)
    const owner = going.length === 0 ? null : next(going)
    if (owner === null) break
    await owner.step()
  }
  return { owners, disk }
}

/** What is wrong after a play and a loss; null: nothing. `successors`: owners without a later one, so none may fail. */
export async function judge(played: Play, loss: Loss, successors: readonly string[]): Promise<string | null> {
  const { owners, disk } = played
  for (const { name, failure } of owners) {
    if (failure === null) continue
    if (successors.includes(name)) return `${name} failed: ${failure}`
    if (!isLfError(failure) || failure.code !== "LOG_DEPOSED") return `${name} failed with ${failure}`
  }
  disk.reboot(loss)
  const first = await find(disk)
  if (typeof first === "string") return first
  const { records, rollup } = first
  if (new Set(records).size !== records.length) return `doubled: ${records}`
  const lost = lostOf(owners, records)
  if (lost !== null) return lost
  for (const owner of owners) {
    if (!successors.includes(owner.name) || owner.opened === null) continue
    if (records.slice(0, owner.opened.records.length).join() !== owner.opened.records.join())
      return `${owner.name} opened ${owner.opened.records}, found ${records}`
    if (![owner.opened.rollup, ...owner.rollups].slice(owner.rollupsDone).includes(rollup))
      return `${owner.name} has rollup ${owner.rollups} (${owner.rollupsDone}), found ${rollup}`
  }
  disk.reboot("all lost")
  const second = await find(disk)
  return JSON.stringify(second) === JSON.stringify(first) ? null : `opened again: ${JSON.stringify(second)}`
}

/** All that was acknowledged is there; what was begun after something had been acknowledged comes after it. */
function lostOf(owners: readonly Owner[], records: readonly string[]): string | null {
  const acknowledged = new Map(owners.flatMap((owner) => [...owner.acknowledged]))
  const begun = new Map(owners.flatMap((owner) => [...owner.begun]))
  for (const record of acknowledged.keys()) if (!records.includes(record)) return `${record} is lost: ${records}`
  for (const [i, earlier] of records.entries()) {
    const isLate = (later: string) => (acknowledged.get(later) ?? Number.POSITIVE_INFINITY) < (begun.get(earlier) ?? 0)
    if (records.slice(i + 1).some(isLate)) return `the order is ${records}`
  }
  return null
}

async function find(disk: CrashDisk): Promise<{ records: string[]; rollup: number } | string> {
  try {
    const { log, checkpoint, records } = await openFsLog(DIRECTORY, { ...disk.fs })
    await log.close()
    return { records: records.map(({ stream }) => stream), rollup: checkpoint?.meta[0] ?? 0 }
  } catch (error) {
    return `the next opener: ${error}`
  }
}

/** Temporary names and fences: other owners only remove them, which fails the `link` or `exists` after. */
function isPrivate(path: string): boolean {
  return path.endsWith(".tmp") || path.includes("/fence-")
}

type Turn = (path: string) => Promise<void> | undefined

function gated(calls: FsCalls, turn: Turn): FsCalls {
  const named =
    <A extends unknown[], R>(call: (path: string, ...rest: A) => Promise<R>) =>
    async (path: string, ...rest: A): Promise<R> => {
      await turn(path)
      return call(path, ...rest)
    }
  /** Calls whose effect other owners see. */
  const shared =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await turn("")
      return call(...args)
    }
  return {
    makeDirectory: named(calls.makeDirectory),
    list: named(calls.list),
    read: named(calls.read),
    open: async (path, flags) => {
      await turn(path.includes("/fence-") ? "" : path)
      return gatedFile(await calls.open(path, flags), () => turn(path))
    },
    rename: shared(calls.rename),
    link: shared(calls.link),
    remove: async (path) => {
      await turn(path.includes("/fence-") ? "" : path)
      await calls.remove(path)
    },
    syncDirectory: named(calls.syncDirectory),
    identity: named(calls.identity),
    exists: shared(calls.exists),
    lock: named(calls.lock),
  }
}

function gatedFile({ write, datasync, truncate, close }: FsFile, turn: () => Promise<void> | undefined): FsFile {
  const wait =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await turn()
      return call(...args)
    }
  return { write: wait(write), datasync: wait(datasync), truncate: wait(truncate), close: wait(close) }
}
