import { LfError } from "../base/error.ts"
import { uuidV7 } from "../base/ids.ts"
import type { Hello } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { DocumentRelay } from "../relay/document-relay.ts"
import { ClientConnection } from "../remote/client-connection.ts"
import { Remote } from "../remote/remote.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { admission } from "../testing/admit.ts"
import type { Outcome } from "../timeline/outcome.ts"
import { renewEpoch } from "./renew-epoch.ts"
import type { SeededRandom } from "./seeded-random.ts"
import { doom, fateOf, mayWrite, randomMutation, releases } from "./sim-app.ts"
import { SimHost } from "./sim-host.ts"
import type { SimDisk } from "./sim-log.ts"
import { witnessed, witnessedRelay } from "./sim-witness.ts"
import type { SimWorld } from "./sim-world.ts"

/** How often a mutation of a server's own is sent at the most. */
const SENDS_MAX = 5

interface Room {
  readonly remote: Remote
  /** The last one is in use; those before were stopped in the middle and cannot be used again. */
  readonly modules: readonly SqliteModule[]
}

/** The server's machine: a process that serves every document of its disk, and crashes and starts again. */
export class SimServer {
  readonly docIds: readonly string[]
  disk: SimDisk
  release = 0
  isChanging = false
  /** Faults are over: nothing is stopped by the guard any more. */
  isCalm = false
  readonly #world: SimWorld
  readonly #random: SeededRandom
  readonly #rooms = new Map<string, Room>()
  /** Rooms that are closing: what they still flush counts. */
  readonly #closing = new Set<readonly [docId: string, remote: Remote]>()
  /** Rooms of a process that was deposed. */
  readonly #deposed = new Set<readonly [docId: string, room: Room]>()
  readonly #relays = new Map<DocumentRelay, Remote>()
  #host: SimHost
  /** Counts processes: what an earlier one still awaits must not touch this one. */
  #epoch = 0
  /** The release that the process runs. */
  #running = 0

  constructor(world: SimWorld, disk: SimDisk, docIds: readonly string[]) {
    this.#world = world
    this.disk = disk
    this.docIds = docIds
    this.#random = world.random.fork()
    this.#host = new SimHost(world.clock, this.#random.fork())
  }

  get remotes(): [docId: string, remote: Remote][] {
    return Array.from(this.#rooms, ([docId, { remote }]) => [docId, remote])
  }

  /** Every document that may still show something, also those that are closing. */
  get shown(): (readonly [docId: string, remote: Remote])[] {
    return [...this.#closing, ...this.remotes]
  }

  remote(docId: string): Remote | undefined {
    return this.#rooms.get(docId)?.remote
  }

  get isUp(): boolean {
    return this.#rooms.size === this.docIds.length
  }

  /** Not running, or running older code than it should. */
  get isStale(): boolean {
    return !this.isChanging && (this.#epoch === 0 || this.#running !== this.release)
  }

  async end(): Promise<void> {
    if (this.isUp && !this.isChanging) await this.#stop()
    else this.crash()
  }

  async start(): Promise<void> {
    const { clock, network, between } = this.#world
    this.#epoch++
    between.accept = (pipe) => pipe.close("no document is named")
    const host = new SimHost(clock, this.#random.fork())
    if (this.#world.climate.lookMs > 0) {
      host.lookMs = this.#world.climate.lookMs
      host.yieldFor(() => this.#random.between(0, 20))
    }
    this.#host = host
    this.#running = this.release
    network.accept = (plain) => {
      const pipe = witnessed(plain, this.#world.checkers, () => host.isAlive)
      const admit = async (hello: Hello) => {
        // Authentication is asynchronous and takes time.
        if (this.#random.chance(0.3)) await clock.sleep(this.#random.between(0, 30))
        const remote = this.remote(hello.docId)
        if (remote === undefined || host !== this.#host) throw new LfError("SERVER_CLOSING", "the server starts")
        const user = hello.token === "" ? null : hello.token
        return { remote, user, mayWrite: (name: string) => this.#mayWrite(name) }
      }
      new ClientConnection({ pipe, host, admission: admission(admit) })
    }
    await Promise.all(this.docIds.map((docId) => this.#open(docId)))
  }

  /** Another server asks for a document of this one's. */
  relay(docId: string, plain: Pipe): void {
    const remote = this.remote(docId)
    if (remote === undefined) {
      plain.close("it is not open here")
      return
    }
    const host = this.#host
    const pipe = witnessedRelay(plain, this.#world.checkers, () => host.isAlive)
    const confirm = async () => {
      await this.#world.clock.sleep(this.#random.between(0, 5))
      if (!this.#owns(docId, remote)) throw new LfError("LOG_DEPOSED", "another process has the document")
    }
    const remove = async () => {}
    const relay = new DocumentRelay({
      host,
      owned: remote,
      pipe,
      confirm,
      remove,
      onEnd: () => this.#relays.delete(relay),
    })
    this.#relays.set(relay, remote)
  }

  /** As the store would say. */
  #owns(docId: string, remote: Remote): boolean {
    return this.remote(docId) === remote
  }

  /** A mutation of a server's own, sent again while its answer is lost: by a process that outlives this one, as a relaying one does. */
  mutate(): void {
    const { checkers, trace } = this.#world
    const [docId, remote] = this.#random.pick(this.remotes) ?? []
    if (docId === undefined || remote === undefined || remote.failure !== null) return
    const { name, args } = randomMutation(this.#random, { poison: 0, moods: 0 })
    trace.note(`server ${name} ${args.uid}`)
    const fate = name === "Forbidden" ? "always" : fateOf(name) // authorize() is never asked about the server itself
    checkers.made(args.uid, { name, args, fate, docId, author: "server" })
    const history = this.#world.histories.get(docId)
    history?.called("server", args.uid, this.#world.clock.nowMs)
    void this.#send(docId, name, args).then((outcome) => {
      if (outcome === null) return
      history?.decided(args.uid, outcome.type, this.#world.clock.nowMs)
      checkers.resolved(args.uid)
      if (outcome.type !== "unknown") checkers.decided(args.uid, outcome)
    })
  }

  /** Null: no answer came in time, and it may have run. */
  async #send(docId: string, name: string, args: unknown): Promise<Outcome | null> {
    const { clock } = this.#world
    const random = this.#random.fork()
    const host = new SimHost(clock, random)
    const uid = uuidV7(clock.nowMs, host.randomBytes(10))
    const tries = random.between(1, SENDS_MAX)
    for (let sent = 0; sent < tries; sent++) {
      const late = clock.sleep(random.between(10, 400)).then(() => null)
      const remote = this.remote(docId)
      const answer = remote === undefined ? null : remote.mutate(name, args, null, uid).catch(() => null)
      const outcome = await Promise.race([answer ?? late, late])
      if (outcome !== null) return outcome
      await late
    }
    return null
  }

  checkpoint(): void {
    for (const [, remote] of this.remotes) remote.checkpoint().catch(() => {})
  }

  /** Ends the process, waits, does `meanwhile` with the disk, and starts again. */
  async restart(how: "crash" | "stop", pauseMs: number, meanwhile?: () => Promise<void>): Promise<void> {
    if (this.isChanging) return
    this.isChanging = true
    this.#world.trace.note(`server ${how}`)
    if (how === "stop" && this.isUp) await this.#stop()
    else this.crash()
    await this.#world.clock.sleep(pauseMs)
    await meanwhile?.()
    this.isChanging = false
    await this.start()
  }

  /** A second process starts on the same disk, and the first one does not know (I14). It goes on for a while. */
  async takeOver(staysMs: number): Promise<void> {
    if (this.isChanging || !this.isUp) return
    this.#world.trace.note("server is deposed")
    this.#world.checkers.serverKilled()
    for (const docId of this.docIds) this.disk.depose(docId)
    for (const [docId, room] of this.#rooms) {
      this.#deposed.add([docId, room])
      this.#world.clock.after(staysMs, () => this.#endDeposed())
    }
    this.#rooms.clear()
    await this.start()
  }

  #endDeposed(): void {
    for (const deposed of this.#deposed) void this.#close(deposed[1])
    this.#deposed.clear()
  }

  crash(): void {
    this.#world.checkers.serverKilled()
    this.#endDeposed()
    this.#epoch++
    this.#host.kill()
    this.#world.network.accept = null
    this.#world.between.accept = null
    this.#world.network.died("server")
    this.#world.between.died("server")
    this.disk.crash()
    for (const room of this.#rooms.values()) void this.#close(room)
    this.#rooms.clear()
  }

  /** The documents are put back from a copy, by `lf restore`, or by a database that lost what it had acknowledged. */
  async restoreFrom(backup: SimDisk): Promise<void> {
    this.disk = await backup.copy("server", this.docIds)
    this.disk.isCalm = true
    const isKnown = this.#random.chance(0.5)
    for (const docId of isKnown ? this.docIds : []) await renewEpoch(await this.disk.open(docId), this.#host)
    this.disk.isCalm = backup.isCalm
  }

  async #stop(): Promise<void> {
    this.#epoch++
    this.#world.network.accept = null
    this.#world.between.accept = null
    const closing = Array.from(this.#rooms, async ([docId, room]) => {
      const shown = [docId, room.remote] as const
      this.#closing.add(shown)
      await this.#close(room)
      this.#world.checkers.server(docId, room.remote)
      this.#closing.delete(shown)
    })
    this.#rooms.clear()
    await Promise.all(closing)
  }

  async #open(docId: string): Promise<void> {
    const { pool, checkers, climate } = this.#world
    const epoch = this.#epoch
    const modules: SqliteModule[] = []
    const loadSqlite = async () => {
      const module = pool.take()
      modules.push(module)
      return module
    }
    const opened = await this.disk.open(docId).catch((error: unknown) => {
      checkers.fail("I3", `the server's log of ${docId} does not open: ${error}`)
    })
    if (opened === undefined) return
    try {
      const remote = await Remote.recover({
        opened,
        loadSqlite,
        mutator: releases[this.#running],
        host: this.#host,
        clientForgottenMs: climate.clientForgottenMs,
        chunkPages: climate.chunkPages,
        guard: (work) => {
          if (!this.isCalm && this.#random.chance(climate.hang)) return false
          doom.isSealed = false
          work()
          if (doom.isSealed) this.#die(epoch)
          return true
        },
        onStopped: (error) => {
          if (!error.code.startsWith("LOG_")) checkers.fail("I21", `the server stops ${docId}: ${error}`)
          void this.#reopen(docId, remote)
        },
      })
      if (epoch !== this.#epoch) return await this.#close({ remote, modules })
      this.#rooms.set(docId, { remote, modules })
      checkers.serverStarted(docId, remote)
    } catch (error) {
      await opened.log.close()
      const last = modules.at(-1)
      if (last !== undefined) pool.give(last)
      if (epoch !== this.#epoch) return
      if (!/LOG_(FAILED|FULL)/.test(error instanceof LfError ? error.code : "")) {
        checkers.fail("I3", `the server does not open ${docId}: ${error}`)
        return
      }
      await this.#world.clock.sleep(500)
      if (epoch === this.#epoch) await this.#open(docId)
    }
  }

  /** A document whose disk failed is opened again by the owner of the rooms. */
  async #reopen(docId: string, remote: Remote): Promise<void> {
    const epoch = this.#epoch
    const room = this.#rooms.get(docId)
    if (room === undefined || room.remote !== remote) return
    this.#world.checkers.server(docId, remote)
    this.#rooms.delete(docId)
    await this.#close(room)
    await this.#world.clock.sleep(this.#random.between(1, 2000))
    if (epoch === this.#epoch) await this.#open(docId)
  }

  async #close({ remote, modules }: Room): Promise<void> {
    await remote.close().catch(() => {})
    for (const [relay, document] of this.#relays) if (document === remote) void relay.close()
    const last = modules.at(-1)
    if (last !== undefined) this.#world.pool.give(last)
  }

  /** The process ends in the middle of a mutation; nothing that it was about to do is done. */
  #die(epoch: number): never {
    if (epoch === this.#epoch) {
      if (this.isChanging) this.crash()
      else void this.restart("crash", this.#random.between(10, 1000))
    }
    throw new LfError("LOG_FAILED", "the process died")
  }

  async #mayWrite(name: string): Promise<boolean> {
    if (this.#random.chance(0.2)) await this.#world.clock.sleep(this.#random.between(0, 50))
    return mayWrite(name, this.#random)
  }
}
