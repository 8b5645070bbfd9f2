// A browser without SharedWorker: each tab brings a worker, one of them serves all tabs, and any of them may be killed or
// frozen. BroadcastChannels and Web Locks are simulated; the election and what serves are the shipped ones.

import type { LoadSqlite } from "@lf/core/internal"
import type { SeededRandom } from "@lf/core/testing"
import { type DeposeMessage, servingLock } from "../../packages/react/src/rpc/election.ts"
import type { WorkerFactory } from "../../packages/react/src/tab/make-worker.ts"
import { PageLocks } from "../../packages/react/src/testing/page-locks.ts"
import { Candidate, type DedicatedScope } from "../../packages/react/src/worker/candidate.ts"
import { locks } from "../hooks/globals.ts"
import { ProcessHost, running } from "../hooks/process-host.ts"
import { type LivingWorker, SimDevice } from "../hooks/sim-device.ts"
import type { SimServer } from "../hooks/sim-server.ts"

const SCRIPT = "https://app.test/worker.js"
const LOAD_MS_MAX = 30

/** A worker that a tab has brought. */
interface Brought {
  readonly process: ProcessHost
  living: LivingWorker | null
}

type LockOptions = { readonly signal?: AbortSignal; readonly steal?: boolean }

export class DedicatedBrowser {
  readonly #random: SeededRandom
  readonly #device: SimDevice
  readonly #locks = new PageLocks()
  readonly #channels: SimChannel[] = []
  readonly #brought: Brought[] = []
  /** Who holds the lock of the serving worker. */
  #serving: Brought | null = null
  loads = true
  /** How likely a worker gets a call once more, some time after it (T28). */
  repeats = 0

  constructor(random: SeededRandom, load: LoadSqlite, server: SimServer, print: (line: string) => void) {
    this.#random = random
    this.#device = new SimDevice(random, load, server, true)
    const browser = this
    class Channel extends SimChannel {
      constructor(name: string) {
        super(browser.#channels, name, { random, print, repeats: () => browser.repeats })
      }
    }
    Object.defineProperty(globalThis, "BroadcastChannel", { value: Channel, configurable: true, writable: true })
    Object.defineProperty(navigator, "locks", { value: { request: this.#request }, configurable: true })
  }

  get #living(): LivingWorker[] {
    return this.#brought.flatMap(({ living, process }) => (living !== null && process.isAlive ? [living] : []))
  }

  get liveQueries(): number {
    return this.#living.reduce((sum, { host }) => sum + host.queryCount, 0)
  }

  get tabs(): number {
    return this.#living.reduce((sum, { host }) => sum + host.tabCount, 0)
  }

  /** Tabs' ends of ports. */
  get openPorts(): number {
    return this.#channels.filter(({ name, process }) => process === undefined && name.startsWith("lf/1/port/")).length
  }

  get isHung(): boolean {
    return this.#serving?.process.isFrozen ?? false
  }

  /** The serving worker's process is frozen; false: all are awake. */
  set isHung(isHung: boolean) {
    if (isHung && this.#serving !== null) this.#serving.process.isFrozen = true
    if (!isHung) for (const { process } of this.#brought) process.isFrozen = false
  }

  /** A factory for one tab: `() => new Worker(…)`. */
  connect(): WorkerFactory {
    return () => {
      const process = new ProcessHost(this.#random.fork())
      const brought: Brought = { process, living: null }
      const worker = {
        onmessage: null as ((event: { data: unknown }) => void) | null,
        onerror: null as (() => void) | null,
        postMessage: (data: unknown) =>
          later(this.#random, () => process.run(() => scope.onmessage?.(event(data as DeposeMessage)))),
        terminate: () => this.#end(brought),
      }
      const scope: DedicatedScope = {
        onmessage: null,
        postMessage: (data) => later(this.#random, () => worker.onmessage?.({ data })),
      }
      const loads = this.loads
      setTimeout(
        () => {
          if (!loads) worker.onerror?.()
          else process.run(() => void new Candidate(scope, SCRIPT, () => this.#serve(brought)))
        },
        this.#random.between(1, LOAD_MS_MAX),
      )
      this.#brought.push(brought)
      return worker as unknown as Worker // what a tab uses of one
    }
  }

  /** Kills the process of the worker that serves. What its tab was waiting for is still asked for: by a tab that lives on. */
  kill(): void {
    if (this.#serving !== null) this.#end(this.#serving)
  }

  killAll(): void {
    for (const brought of this.#brought) this.#end(brought)
  }

  #serve(brought: Brought) {
    const living = this.#device.start(brought.process)
    brought.living = living
    return {
      accept: living.host.accept.bind(living.host),
      retire: async () => {
        brought.living = null
        await living.host.retire()
      },
    }
  }

  #end(brought: Brought): void {
    if (!brought.process.isAlive) return
    brought.process.isAlive = false
    for (const channel of this.#channels.filter(({ process }) => process === brought.process)) channel.close()
    if (brought.living !== null) this.#device.kill(brought.living)
    if (this.#serving !== brought) return
    this.#serving = null
    this.#locks.holderDied(servingLock(SCRIPT))
  }

  /** navigator.locks: of the election with steal, of everything else as in other worlds. */
  readonly #request = (
    name: string,
    options: LockOptions | (() => unknown),
    granted?: () => unknown,
  ): Promise<unknown> => {
    if (name !== servingLock(SCRIPT)) return locks.request(name, options as LockOptions, granted)
    const process = running.getStore()
    const brought = this.#brought.find((one) => one.process === process)
    if (brought === undefined) throw new Error("only a worker that was brought asks for this lock")
    const hold = () => {
      // The lock passes by a process that is gone.
      if (!brought.process.isAlive) return
      this.#serving = brought
      return new Promise((_, reject) => brought.process.run(() => Promise.resolve(granted?.()).catch(reject)))
    }
    const held = this.#locks.request(name, options as LockOptions, hold)
    // One that is frozen learns that it lost the lock when it is awake.
    return new Promise((resolve, reject) => {
      held.then(
        (value) => brought.process.run(() => resolve(value)),
        (error: unknown) => brought.process.run(() => reject(error)),
      )
    })
  }
}

/** Messages reach all others of the name, each in order, after some time. */
class SimChannel {
  onmessage: ((event: MessageEvent) => void) | null = null
  readonly name: string
  /** The worker's; undefined: a tab's. */
  readonly process = running.getStore()
  readonly #all: SimChannel[]
  readonly #random: SeededRandom
  readonly #print: (line: string) => void
  readonly #repeats: () => number
  #arrivalMs = 0

  constructor(
    all: SimChannel[],
    name: string,
    { random, print, repeats }: { random: SeededRandom; print: (line: string) => void; repeats: () => number },
  ) {
    this.name = name
    this.#all = all
    this.#random = random
    this.#print = print
    this.#repeats = repeats
    all.push(this)
  }

  postMessage(data: { readonly type: string }): void {
    if (this.process?.isAlive === false) return
    this.#print(`  ${this.process === undefined ? "tab" : "worker"} at ${this.name.slice(-4)}: ${JSON.stringify(data)}`)
    const copy = structuredClone(data)
    for (const other of this.#all) if (other !== this && other.name === this.name) other.#take(copy)
  }

  close(): void {
    const place = this.#all.indexOf(this)
    if (place >= 0) this.#all.splice(place, 1)
  }

  #take(data: { readonly type: string }): void {
    this.#arrivalMs = Math.max(this.#arrivalMs, performance.now() + this.#random.between(0, 3))
    const arrive = () => {
      if (this.process === undefined) this.#deliver(data)
      else this.process.run(() => this.#deliver(data))
    }
    setTimeout(arrive, this.#arrivalMs - performance.now())
    if (data.type === "mutate" && this.#random.chance(this.#repeats()))
      setTimeout(arrive, this.#arrivalMs - performance.now() + this.#random.between(0, REPEAT_MS_MAX))
  }

  #deliver(data: unknown): void {
    if (this.#all.includes(this)) this.onmessage?.(event(data))
  }
}

const REPEAT_MS_MAX = 5_000

function event<T>(data: T): MessageEvent<T> {
  return { data } as MessageEvent<T>
}

function later(random: SeededRandom, run: () => void): void {
  setTimeout(run, random.between(0, 3))
}
