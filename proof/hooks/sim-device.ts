// What a browser's worker processes share: the disk and the locks of their documents.

import { type LoadSqlite, MemoryDisk, type Pipe } from "@lf/core/internal"
import type { SeededRandom } from "@lf/core/testing"
import { MemoryLocks } from "../../packages/react/src/platform/memory/memory-locks.ts"
import type { Ownership, Platform } from "../../packages/react/src/platform/port.ts"
import { keysOf } from "../../packages/react/src/platform/stored-keys.ts"
import { WorkerHost } from "../../packages/react/src/worker/worker-host.ts"
import { locks } from "./globals.ts"
import { ProcessHost } from "./process-host.ts"
import { mutator } from "./shop.ts"
import type { SimServer } from "./sim-server.ts"

/** A worker that serves tabs, and the process that it runs in. */
export interface LivingWorker {
  readonly name: string
  readonly host: WorkerHost
  readonly process: ProcessHost
  readonly documentLocks: Ownership[]
}

const LOCKS_OUTLIVE_MS = 100_000
/** An owner of a document that keeps another one waiting for so long is frozen. */
const SILENT_OWNER_MS_MAX = 2_000

/** One browser's disk and locks. What its workers keep outlives them. */
export class SimDevice {
  readonly #random: SeededRandom
  readonly #load: LoadSqlite
  readonly #server: SimServer
  readonly #takesByForce: boolean
  readonly #disk = new MemoryDisk()
  readonly #ownerLocks = new MemoryLocks()
  readonly #owners = new Map<string, Ownership>()
  readonly #places = new Map<string, string>()
  readonly #movedMs = new Map<string, number>()
  #moves = 0
  #workers = 0

  /** `takesByForce`: a document's owner that does not answer loses it. */
  constructor(random: SeededRandom, load: LoadSqlite, server: SimServer, takesByForce: boolean) {
    this.#random = random
    this.#load = load
    this.#server = server
    this.#takesByForce = takesByForce
  }

  start(process = new ProcessHost(this.#random.fork())): LivingWorker {
    this.#workers++
    const name = `worker${this.#workers}`
    const documentLocks: Ownership[] = []
    const platform = this.#platform(name, process, documentLocks)
    const host = new WorkerHost({ mutator, platform, end: () => {} })
    return { name, host, process, documentLocks }
  }

  /** Kills the worker's process: it sends nothing more, its locks are free, its disk is as a crash leaves it. */
  kill(worker: LivingWorker): void {
    worker.process.isAlive = false
    this.#disk.crash((unsynced) => (this.#random.chance(0.5) ? unsynced : 0))
    for (const ownership of worker.documentLocks) ownership.release()
    // Chromium may keep the locks of a dead worker for a while.
    if (this.#random.chance(0.7)) locks.died(worker.name)
    else setTimeout(() => locks.died(worker.name), LOCKS_OUTLIVE_MS)
  }

  async #own(lock: string, process: ProcessHost, documentLocks: Ownership[], signal?: AbortSignal): Promise<Ownership> {
    const forcing = this.#takesByForce
      ? process.after(SILENT_OWNER_MS_MAX, () => this.#owners.get(lock)?.release())
      : () => {}
    const ownership = await this.#ownerLocks.own(lock, signal).finally(forcing)
    documentLocks.push(ownership)
    this.#owners.set(lock, ownership)
    if (process.isAlive) return ownership
    ownership.release() // it was granted to a process after its end
    return await never
  }

  #openLog(key: string) {
    // A later opener deposes an earlier one.
    if (this.#takesByForce && this.#disk.has(key)) this.#disk.depose(key)
    return this.#disk.open(key)
  }

  #platform(name: string, host: ProcessHost, documentLocks: Ownership[]): Platform {
    const placeOf = (key: string) => this.#places.get(key) ?? key
    const renew = (key: string) => void this.#places.set(key, `${key}/${++this.#moves}`)
    const own = (lock: string, signal?: AbortSignal) => this.#own(lock, host, documentLocks, signal)
    /** Runs `work` only in a process that was not killed. */
    const ifAlive = async <T>(work: () => T | Promise<T>): Promise<T> => {
      if (!host.isAlive) return await never
      const done = await work()
      return host.isAlive ? done : await never
    }
    return {
      host,
      loadSqlite: () => ifAlive(() => this.#load()),
      openLog: (key) => ifAlive(() => this.#openLog(placeOf(key))),
      deleteLog: (key) => ifAlive(() => renew(key)),
      hasLog: (key) => ifAlive(() => this.#disk.has(placeOf(key))),
      storedKeys: () => ifAlive(() => keysOf(this.#disk.names(), this.#places)),
      readRecords: (key) => ifAlive(() => this.#disk.records(placeOf(key))),
      moveLog: (from, to) =>
        ifAlive(() => {
          this.#places.set(to, placeOf(from))
          renew(from)
          this.#movedMs.set(from, Date.now())
        }),
      movedMs: (key) => ifAlive(() => this.#movedMs.get(key) ?? null),
      network: () => ({
        connect: () =>
          ifAlive(async () => {
            await new Promise<void>((resolve) => host.after(this.#random.between(1, 30), resolve))
            return awake(await this.#server.network.connect(), host)
          }),
      }),
      own: (lock) => own(lock),
      ownWhenFree: own,
      holdLivenessLock: () => {
        const lock = `life/${name}`
        void locks.request(lock, () => never, undefined, name)
        return Promise.resolve(lock)
      },
      watchLivenessLock: (lock, onGone) => {
        const stop = new AbortController()
        const grant = () => {
          if (host.isAlive) onGone()
        }
        locks.request(lock, { signal: stop.signal }, grant, name).catch(() => {}) // aborted
        return () => stop.abort()
      },
    }
  }
}

const never = new Promise<never>(() => {})

/** A frozen process takes nothing from its sockets. */
function awake(pipe: Pipe, process: ProcessHost): Pipe {
  return {
    send: (frame) => pipe.send(frame),
    close: (reason) => pipe.close(reason),
    listen: ({ frame, closed }) =>
      pipe.listen({
        frame: (bytes) => process.run(() => frame(bytes)),
        closed: (reason) => process.run(() => closed(reason)),
      }),
  }
}
