// One round: a server, its users, and every attack after a quiet moment.
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { setPriority } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import type { Proof } from "../proof.ts"
import type { AttackName, FromAttackers, ToAttackers } from "./attacks.ts"
import { BIG, type FromServer, type ToServer } from "./server.ts"
import { User } from "./user.ts"

const WINDOW_MS = 700
/** Before the first attack, and between two. */
const FIRST_WINDOWS = 2
const QUIET_WINDOWS = 1
/** The median of their p99s counts: what the machine does besides spoils one of them. */
const ATTACK_WINDOWS = 3
/** The sockets of an attack are thrown at once; what its first moment costs is part of what is measured. */
const USERS = [BIG, BIG, "small-1", "small-2"]

/**
 * A p99 under attack may be this much over twice the quiet one. Four processes share two cores here: a slice of the
 * scheduler and a collection of garbage are some ten milliseconds, and a quiet p99 is a few.
 */
const FLOOR_MS = 40
/** Over what the server has with the document of 20 MB open and no attack. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024

export class Round {
  readonly #proof: Proof
  readonly #seed: number
  readonly #server: ChildProcess
  readonly #attackers: ChildProcess
  readonly #port: number
  readonly #users: User[] = []
  /** The p99 of every quiet window so far. */
  readonly #quiet: number[] = []
  #memoryBytes = 0
  #memoryBytesMax = 0
  #isOver = false

  private constructor(proof: Proof, seed: number, server: ChildProcess, port: number) {
    this.#proof = proof
    this.#seed = seed
    this.#server = server
    this.#port = port
    this.#attackers = start("attackers")
    // This process measures; attackers have a lower priority on its core.
    if (this.#attackers.pid !== undefined) setPriority(this.#attackers.pid, 10)
    server.on("message", (message: FromServer) => {
      if (message.type !== "memory") return
      this.#memoryBytes = message.rss
      this.#memoryBytesMax = Math.max(this.#memoryBytesMax, message.rss)
    })
    server.on("exit", (code, signal) => {
      if (!this.#isOver) proof.fail(seed, `the server ended: ${code ?? signal}`)
    })
  }

  static async begin(proof: Proof, seed: number): Promise<Round> {
    const server = start("server")
    const { port } = await answer<Extract<FromServer, { type: "ready" }>>(server, "ready")
    const round = new Round(proof, seed, server, port)
    for (const [i, docId] of USERS.entries()) round.#users.push(await User.arrive(port, docId, `user-${i}`))
    await round.#windows(FIRST_WINDOWS) // what is measured first is the compiler
    return round
  }

  /** A quiet window, then one under attack; a window that is too slow is tried once more. */
  async attack(name: AttackName): Promise<void> {
    const before = this.#memoryBytes
    let p99 = 0
    let limit = 0
    for (let attempt = 0; attempt < 2; attempt++) {
      const quiet = await this.#windows(QUIET_WINDOWS)
      this.#quiet.push(...quiet.map(({ p99 }) => p99))
      this.#memoryBytesMax = 0
      send(this.#attackers, { type: "begin", attack: name, port: this.#port })
      const windows = await this.#windows(ATTACK_WINDOWS)
      send(this.#attackers, { type: "end" })
      const { did } = await answer<FromAttackers>(this.#attackers, "ended")
      const count = windows.reduce((sum, { samples }) => sum + samples, 0)
      this.#proof.count(count)
      p99 = median(windows.map((window) => window.p99))
      limit = 2 * median(this.#quiet) + FLOOR_MS
      const more = Math.round((this.#memoryBytesMax - before) / 1024 / 1024)
      console.log(
        `${name}: ${did} acts, ${count} samples, p50 ${median(windows.map(({ p50 }) => p50)).toFixed(1)} ms, ` +
          `p99 ${p99.toFixed(1)} ms (quiet ${median(this.#quiet).toFixed(1)} ms, limit ${limit.toFixed(1)} ms), +${more} MiB`,
      )
      if (did === 0) this.#proof.fail(this.#seed, `${name}: no attack was made`)
      if (this.#memoryBytesMax - before > MEMORY_BYTES_MAX) this.#proof.fail(this.#seed, `${name}: ${more} MiB more`)
      if (p99 <= limit) break
    }
    if (p99 > limit) this.#proof.fail(this.#seed, `${name}: p99 ${p99.toFixed(1)} ms, the limit is ${limit.toFixed(1)}`)
    this.#proof.worst(`ms p99 under ${name}`, Math.round(p99))
  }

  /** What was acknowledged to the users is there, once. */
  async compare(): Promise<void> {
    this.#proof.worst("ms p99 quiet", Math.round(median(this.#quiet)))
    this.#proof.worst("MiB of the server", Math.round(this.#memoryBytesMax / 1024 / 1024))
    for (const user of this.#users) await user.stop()
    for (const docId of new Set(USERS)) {
      const rows = answer<Extract<FromServer, { type: "rows" }>>(this.#server, "rows")
      send(this.#server, { type: "rows", docId })
      const found = [...(await rows).ids].sort()
      const sent = this.#users.filter((user) => user.docId === docId).flatMap(({ acknowledged }) => acknowledged)
      if (found.join() !== sent.sort().join()) {
        this.#proof.fail(this.#seed, `${docId}: ${sent.length} acknowledged, ${found.length} there`)
      }
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    this.#attackers.disconnect()
    if (this.#server.exitCode !== null) return
    const isGone = once(this.#server, "exit")
    send(this.#server, { type: "stop" })
    const timer = setTimeout(() => this.#server.kill("SIGKILL"), 5_000)
    await isGone
    clearTimeout(timer)
  }

  async #windows(count: number): Promise<Window[]> {
    const windows: Window[] = []
    for (const user of this.#users) user.take()
    while (windows.length < count) {
      await sleep(WINDOW_MS)
      const samples = this.#users.flatMap((user) => user.take())
      windows.push({ samples: samples.length, p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) })
    }
    return windows
  }
}

interface Window {
  readonly samples: number
  readonly p50: number
  readonly p99: number
}

function start(as: "server" | "attackers"): ChildProcess {
  return fork(process.argv[1], [], { env: { ...process.env, LF_FLOOD: as, NODE_ENV: "production" } })
}

function send(child: ChildProcess, message: ToServer | ToAttackers): void {
  if (child.connected) child.send(message)
}

/** The next message of this type. Memory is reported all the time, so others are waited for by name. */
function answer<T extends FromServer | FromAttackers>(child: ChildProcess, type: T["type"]): Promise<T> {
  return new Promise((resolve, reject) => {
    const listener = (message: FromServer | FromAttackers) => {
      if (message.type !== type) return
      child.off("message", listener)
      resolve(message as T) // its type says so
    }
    child.on("message", listener)
    child.once("exit", () => reject(new Error(`it ended before it said ${type}`)))
  })
}

function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.POSITIVE_INFINITY
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}
