// The page's browser: the app's SharedWorker, which may die, hang or not load, over one disk.

import { type LoadSqlite, newInstance, type SqliteModule } from "@lf/core/internal"
import type { SeededRandom } from "@lf/core/testing"
import type { Port, TabMessage, WorkerMessage } from "../../packages/react/src/rpc/protocol.ts"
import { type LivingWorker, SimDevice } from "./sim-device.ts"
import type { SimServer } from "./sim-server.ts"

/** One browser with one tab. What its workers keep outlives them. */
export class SimBrowser {
  readonly #random: SeededRandom
  readonly #device: SimDevice
  #worker: (LivingWorker & { readonly ports: Wire[] }) | null = null
  #loads = true
  #isHung = false
  /** How likely a worker gets a call once more, some time after it: a tab may ask again what is decided by then (T28). */
  repeats = 0
  /** Whether there was a time in which no worker answered. */
  wasAway = false
  readonly #print: (line: string) => void

  constructor(random: SeededRandom, load: LoadSqlite, server: SimServer, print: (line: string) => void) {
    this.#print = print
    this.#random = random
    this.#device = new SimDevice(random, load, server, false)
  }

  /** Whether the worker's script can be loaded. */
  get loads(): boolean {
    return this.#loads
  }

  set loads(loads: boolean) {
    this.#loads = loads
    if (!loads) this.wasAway = true
  }

  /** The worker takes no message. */
  get isHung(): boolean {
    return this.#isHung
  }

  set isHung(isHung: boolean) {
    this.#isHung = isHung
    if (isHung) this.wasAway = true
  }

  /** Queries that the worker runs for its tabs. */
  get liveQueries(): number {
    return this.#worker?.host.queryCount ?? 0
  }

  /** Tabs that the worker serves. */
  get tabs(): number {
    return this.#worker?.host.tabCount ?? 0
  }

  get openPorts(): number {
    return this.#worker?.ports.filter(({ isOpen }) => isOpen).length ?? 0
  }

  /** What the app's factory does: `new SharedWorker(…)`. */
  connect = (): SharedWorker => {
    const wire = new Wire({
      random: this.#random,
      isHung: () => this.isHung,
      print: this.#print,
      repeats: this.repeats,
    })
    // Only what the tab uses of a SharedWorker: its port, and a place for onerror.
    const worker = { port: wire.near, onerror: null as (() => void) | null }
    if (this.loads) {
      const living = this.#worker ?? this.#start()
      living.ports.push(wire)
      living.host.accept(wire.far)
    } else setTimeout(() => worker.onerror?.(), 5)
    return worker as unknown as SharedWorker
  }

  /** Kills the worker's process: it sends nothing more, its locks are free, its disk is as a crash leaves it. */
  kill(): void {
    const worker = this.#worker
    if (worker === null) return
    this.#worker = null
    for (const wire of worker.ports) wire.cut()
    this.#device.kill(worker)
    if (this.#random.chance(0.5)) setTimeout(() => this.#handOn(worker.ports), this.#random.between(0, HAND_ON_MS_MAX))
  }

  /** As WebKit does: the tabs keep their ports, and a new worker is connected to them. */
  #handOn(wires: readonly Wire[]): void {
    const held = wires.filter(({ isOpen }) => isOpen)
    if (held.length === 0 || !this.loads) return
    const living = this.#worker ?? this.#start()
    for (const wire of held) {
      wire.open()
      living.ports.push(wire)
      living.host.accept(wire.far)
    }
  }

  #start() {
    this.#worker = { ...this.#device.start(), ports: [] }
    return this.#worker
  }
}

interface WireOptions {
  readonly random: SeededRandom
  readonly isHung: () => boolean
  readonly print: (line: string) => void
  readonly repeats: number
}

const REPEAT_MS_MAX = 5_000
const HAND_ON_MS_MAX = 50

/** A MessageChannel whose messages take their time, in order. */
class Wire {
  readonly near: MessagePort
  readonly far: Port<WorkerMessage, TabMessage>
  /** The tab holds its end. */
  isOpen = true
  #isCut = false
  /** How many workers had the other end. */
  #workers = 1
  #toNear: ((event: MessageEvent) => void) | null = null
  #toFar: ((message: TabMessage) => void) | null = null
  readonly #early: TabMessage[] = []
  readonly #random: SeededRandom
  readonly #isHung: () => boolean
  readonly #repeats: number
  readonly #print: (line: string) => void
  readonly #arrivalMs = { near: 0, far: 0 }
  /** What a hung worker has not taken yet. */
  #held: TabMessage[] = []

  constructor({ random, isHung, print, repeats }: WireOptions) {
    this.#random = random
    this.#print = print
    this.#isHung = isHung
    this.#repeats = repeats
    const wire = this
    this.near = {
      postMessage: (message: TabMessage) => this.#carry("far", structuredClone(message)),
      // What was posted before still arrives.
      close: () => {
        this.isOpen = false
      },
      set onmessage(listener: (event: MessageEvent) => void) {
        wire.#toNear = listener
      },
    } as unknown as MessagePort
    this.far = {
      post: (message) => this.#carry("near", structuredClone(message)),
      listen: (listener) => {
        this.#toFar = listener
        for (const message of this.#early.splice(0)) listener(message)
      },
      close: () => {},
    }
  }

  /** The worker is gone, with what it was sent. */
  cut(): void {
    this.#isCut = true
    this.#workers++
    this.#held = []
    this.#toFar = null
  }

  /** Another worker gets the other end. */
  open(): void {
    this.#isCut = false
  }

  #carry(to: "near" | "far", message: TabMessage | WorkerMessage): void {
    if (!this.isOpen || this.#isCut) return
    const worker = this.#workers
    this.#print(`${to === "near" ? "  worker:" : "  tab:"} ${JSON.stringify(message)}`)
    const atMs = Math.max(this.#arrivalMs[to], performance.now() + this.#random.between(0, 3))
    this.#arrivalMs[to] = atMs
    const arrive = () => {
      if (this.#workers > worker) return
      if (to === "far") this.#take(message as TabMessage)
      else if (this.isOpen) this.#toNear?.({ data: message } as MessageEvent)
    }
    setTimeout(arrive, atMs - performance.now())
    if (message.type === "mutate" && this.#random.chance(this.#repeats))
      setTimeout(arrive, atMs - performance.now() + this.#random.between(0, REPEAT_MS_MAX))
  }

  /** The worker takes what came, in order, once it does not hang. */
  #take(message: TabMessage): void {
    this.#held.push(message)
    if (this.#held.length > 1) return
    const worker = this.#workers
    const take = () => {
      if (this.#workers > worker) return
      if (this.#isHung()) {
        setTimeout(take, 50)
        return
      }
      const held = this.#held
      this.#held = []
      for (const one of held) {
        if (this.#toFar === null) this.#early.push(one)
        else this.#toFar(one)
      }
    }
    take()
  }
}

/** Real wasm, compiled once; an instance is made before it is needed, since that takes real time. */
export class Instances {
  readonly #compiled: WebAssembly.Module
  readonly #make: (options: object) => Promise<unknown>
  readonly #free: SqliteModule[] = []

  constructor(compiled: WebAssembly.Module, make: (options: object) => Promise<unknown>) {
    this.#compiled = compiled
    this.#make = make
  }

  async fill(count: number): Promise<void> {
    while (this.#free.length < count) {
      // At once: the promise of `instantiate` comes 20 ms later, when nothing else happens.
      const instantiate = (imports: object) =>
        Promise.resolve(new WebAssembly.Instance(this.#compiled, imports as WebAssembly.Imports))
      this.#free.push(await newInstance(this.#make, instantiate))
    }
  }

  load: LoadSqlite = async () => {
    const module = this.#free.pop()
    if (module === undefined) throw new Error("too few instances were made for this run")
    return module
  }
}
