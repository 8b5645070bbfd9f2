import { loadChecksum } from "../base/checksum.ts"
import { useDeflater } from "../base/deflate.ts"
import { LfError } from "../base/error.ts"
import type { Pipe } from "../network/network.ts"
import type { Remote } from "../remote/remote.ts"
import { CHUNK_PAGES } from "../storage/page-chunk.ts"
import { Checkers, dump } from "./checkers.ts"
import { doublesFrames } from "./faulty-pipes.ts"
import { SeededRandom } from "./seeded-random.ts"
import { auditQuery, isMade, releases } from "./sim-app.ts"
import { SimClient } from "./sim-client.ts"
import { climateOf, mixOf } from "./sim-climate.ts"
import { slowDeflater } from "./sim-deflater.ts"
import { GATEWAY_SEED, SimFleet } from "./sim-fleet.ts"
import { SimHistory } from "./sim-history.ts"
import { SimClock } from "./sim-host.ts"
import { SimHostile } from "./sim-hostile.ts"
import { SimDisk } from "./sim-log.ts"
import { SimNetwork } from "./sim-network.ts"
import { SimServer } from "./sim-server.ts"
import type { SimWorld } from "./sim-world.ts"
import type { SqlitePool } from "./sqlite-pool.ts"
import { Trace } from "./trace.ts"

/** Without faults everything must have come together by then (I19): some retries and heartbeats. */
const QUIET_MS_MAX = 240_000
/** Longer than one slow sync: what the server has run and is still writing is not announced yet. */
const TOGETHER_MS_MIN = 4_000
/** Instances that a run may have in use at once: clients, clones, the server's documents, those that are closing. */
const INSTANCES = 24
const CLIENTS_MAX = 7

export interface SimOptions {
  readonly seed: number
  /** Things that happen before the quiet. */
  readonly steps: number
  readonly pool: SqlitePool
  /** Lets every promise that can settle do so: one turn of the caller's own event loop. */
  readonly turn: () => Promise<void>
  readonly print?: (line: string) => void
  /** Judges what the users of a document did and saw against its list of mutations at rest; null: nothing is wrong. */
  readonly judge?: (operations: SimHistory["operations"], final: readonly string[]) => string | null
  /** Wraps the ends of each connection. */
  readonly faultyPipe?: (pipe: Pipe) => Pipe
}

export interface SimResult {
  readonly seed: number
  readonly steps: number
  /** Null: every law held. */
  readonly violation: string | null
  readonly trace: string
  readonly events: number
  readonly virtualMs: number
  readonly applied: number
}

type Action = keyof ReturnType<typeof mixOf>

/** One run: a world made from `seed`, `steps` things that happen to it, then quiet. The same seed is the same run. */
export async function runSim(options: SimOptions): Promise<SimResult> {
  await loadChecksum()
  await options.pool.fill(INSTANCES)
  const sim = new Sim(options)
  try {
    await sim.run()
  } finally {
    useDeflater(null)
  }
  return sim.result()
}

class Sim {
  readonly #options: SimOptions
  readonly #random: SeededRandom
  readonly #world: SimWorld
  readonly #mix: Readonly<Record<Action, number>>
  readonly #clients: SimClient[] = []
  readonly #server: SimServer
  readonly #fleet: SimFleet
  #hostile: SimHostile | null = null
  #backup: SimDisk | null = null
  #restores = 0
  #events = 0

  constructor(options: SimOptions) {
    const random = new SeededRandom(options.seed)
    const clock = new SimClock()
    const trace = new Trace(options.print ?? null)
    const checkers = new Checkers(options.pool)
    // What is sent again on a new connection, while the first one still comes.
    const faultyPipe = options.faultyPipe ?? (random.chance(0.15) ? doublesFrames : undefined)
    const network = new SimNetwork({
      clock,
      trace,
      random: random.fork(),
      delayMsMax: random.pick([2, 20, 200]),
      refusal: random.pick([0, 0.1]),
      faultyPipe,
    })
    const nodes = new SeededRandom(options.seed ^ GATEWAY_SEED)
    const between = new SimNetwork({ clock, trace, random: nodes.fork(), delayMsMax: nodes.pick([2, 20]), refusal: 0 })
    const fair = climateOf(random)
    // A doubled part ends its connection for half a minute: with few parts all have come before the quiet is over.
    const climate = faultyPipe === undefined ? fair : { ...fair, chunkPages: CHUNK_PAGES }
    this.#options = options
    this.#random = random
    const world = { clock, trace, random: random.fork(), network, between, pool: options.pool, checkers, climate }
    this.#mix = mixOf(random, climate)
    const docIds = random.chance(0.15) ? ["one", "two"] : ["one"]
    this.#world = { ...world, histories: new Map(docIds.map((docId) => [docId, new SimHistory()])) }
    this.#server = new SimServer(this.#world, this.#disk("server"), docIds)
    this.#fleet = new SimFleet(this.#world, this.#server, nodes)
    if (climate.deflateMsMax > 0) useDeflater(slowDeflater(this.#world))
  }

  async run(): Promise<void> {
    const random = this.#random
    if (random.chance(0.8)) void this.#server.start()
    const count = 2 + random.below(4)
    for (let i = 0; i < count; i++) this.#addClient()
    for (let step = 0; step < this.#options.steps && this.#violation === null; step++) {
      this.#act(random.weigh(this.#mix))
      await this.#advance(random.chance(0.1) ? random.between(0, 20_000) : random.between(0, random.pick([5, 50, 500])))
    }
    await this.#quiet()
    await this.#finish()
  }

  result(): SimResult {
    const { trace, clock, checkers } = this.#world
    const { seed, steps } = this.#options
    const { violation, appliedCount } = checkers
    return {
      seed,
      steps,
      violation,
      trace: trace.hash,
      events: this.#events,
      virtualMs: clock.nowMs,
      applied: appliedCount,
    }
  }

  get #violation(): string | null {
    return this.#world.checkers.violation
  }

  #act(action: Action): void {
    const random = this.#random
    const { network, clock, trace } = this.#world
    const client = random.pick(this.#clients)
    const how = random.pick(["crash", "crash", "stop"] as const)
    const pauseMs = random.between(0, random.pick([10, 5000]))
    const acts: Record<Action, () => void> = {
      mutate: () => {
        for (let i = 1 + random.below(random.pick([1, 1, 3, 12])); i > 0; i--) client.mutate()
      },
      serverMutates: () => this.#server.mutate(),
      clientEnds: () => void client.restart(how, pauseMs),
      clone: () => this.#clone(client, pauseMs),
      serverEnds: () => void this.#server.restart(how, pauseMs),
      backup: () => this.#backUp(how, pauseMs),
      restore: () => this.#restore(pauseMs),
      checkpoint: () => this.#server.checkpoint(),
      cut: () => network.cut(client.name),
      halfOpen: () => network.halfOpen(client.name),
      part: () => {
        network.part(client.name)
        clock.after(random.between(0, 40_000), () => network.heal(client.name))
      },
      offline: () => client.setOnline(random.chance(0.4)),
      deploy: () => this.#deploy(client),
      dismiss: () => client.dismiss(),
      signIn: () => client.signIn(random.pick(["ann", "ben"])),
      takeOver: () => {
        const staysMs = this.#fleet.replacedFor(pauseMs, this.#clients)
        void this.#server.takeOver(staysMs)
      },
      flip: () => this.#flip(client, how, pauseMs),
      attack: () => this.#attack(client),
    }
    trace.note(`${clock.nowMs} ${action} ${client.name}`)
    acts[action]()
  }

  /** Runs what happens in the next `ms`, and checks every client after each event. */
  async #advance(ms: number): Promise<void> {
    const { clock } = this.#world
    const untilMs = clock.nowMs + ms
    await this.#options.turn()
    this.#observe()
    while (clock.nextAtMs <= untilMs && this.#violation === null) {
      clock.runNext()
      this.#events++
      await this.#options.turn()
      this.#observe()
    }
    clock.nowMs = untilMs
  }

  #observe(): void {
    const { checkers } = this.#world
    for (const [docId, remote] of this.#server.shown) checkers.server(docId, remote)
    for (const client of this.#clients) {
      if (client.state !== "up" || client.local === null) continue
      // A failed disk ends the document; its owner opens it again.
      if (client.local.failure !== null) void client.restart("stop", 200)
      else {
        checkers.client(client)
        client.look()
      }
    }
  }

  /** No faults any more, and no user: everything comes together by itself (I19). */
  async #quiet(): Promise<void> {
    const { network, between, trace } = this.#world
    trace.note("quiet")
    network.isCalm = true
    between.isCalm = true
    this.#fleet.isCalm = true
    network.heal()
    this.#hostile?.end()
    this.#server.isCalm = true
    let togetherMs = 0
    for (let waitedMs = 0; waitedMs < QUIET_MS_MAX; waitedMs += 1000) {
      this.#tend()
      await this.#advance(1000)
      togetherMs = this.#isTogether() ? togetherMs + 1000 : 0
      if (togetherMs >= TOGETHER_MS_MIN || this.#violation !== null) return
    }
    const states = this.#clients.map((client) => this.#stateOf(client)).join("; ")
    const servers = this.#server.remotes.map(([docId, remote]) => `${docId} at ${remote.lsn()}`).join(", ")
    this.#world.checkers.fail("I19", `nothing comes together: server ${servers || "down"}; ${states}`)
  }

  /** Acts as users and process managers: starts what is down, loads the app's last version. */
  #tend(): void {
    const server = this.#server
    // Again and again: a restore or a clone that was under way brings a disk of its own.
    server.disk.isCalm = true
    for (const client of this.#clients) client.disk.isCalm = true
    server.release = Math.max(server.release, ...this.#clients.map(({ release }) => release))
    if (!server.isChanging && server.isStale) void server.restart("stop", 0)
    this.#fleet.tend()
    for (const client of this.#clients) {
      client.setOnline(true)
      client.release = server.release
      if (client.isStale) void client.restart("stop", 0)
    }
  }

  #isTogether(): boolean {
    return this.#clients.every(({ local, docId, state }) => {
      const remote = this.#server.remote(docId)
      if (local === null || remote === undefined || state !== "up") return false
      if (!local.reads.isIdle) return false
      return local.pendingCount === 0 && local.epoch === remote.epoch && local.cursor === remote.lsn()
    })
  }

  #stateOf({ name, local, status }: SimClient): string {
    return `${name} ${status}, pending ${local?.pendingCount}, cursor ${local?.cursor}`
  }

  async #finish(): Promise<void> {
    const { checkers, trace } = this.#world
    for (const [docId, remote] of this.#server.remotes) {
      if (this.#violation !== null) break
      const clients = this.#clients.filter((client) => client.docId === docId)
      checkers.atRest(docId, remote, clients)
      this.#judge(docId, remote)
      trace.note(dump(remote))
    }
    // What was there is there again, after a crash and after a clean stop (I13). Stop and start sync several times, and one
    // slow sync takes three seconds.
    for (const how of ["crash", "stop"] as const) {
      if (this.#violation === null) void this.#server.restart(how, 10)
      await this.#advance(10_000)
      if (this.#violation === null && !this.#server.isUp) checkers.fail("I13", `the server does not start after ${how}`)
    }
    this.#fleet.restart()
    await this.#advance(60_000)
    for (const [docId, remote] of this.#server.remotes) {
      const count = this.#clients.filter((client) => client.docId === docId).length
      if (this.#violation === null && remote.connectedCount > count)
        checkers.fail("I17", `${remote.connectedCount} peers of ${docId} are kept for ${count} clients`)
    }
    for (const client of this.#clients) if (client.state === "up") void client.end("stop")
    void this.#server.end()
    await this.#drain()
  }

  /** From outside: history that a restore took is no part of one order (T2). */
  #judge(docId: string, remote: Remote): void {
    const { histories, checkers } = this.#world
    const operations = histories.get(docId)?.operations ?? []
    if (this.#restores > 0 || this.#violation !== null) return
    const final = remote.query(auditQuery).flatMap(({ uid }) => (isMade(uid) ? [uid] : []))
    const wrong = this.#options.judge?.(operations, final) ?? null
    if (wrong !== null) checkers.fail("I9", `the history of ${docId}: ${wrong}`)
  }

  /** What is closing needs some time, also after a violation. */
  async #drain(): Promise<void> {
    const { clock } = this.#world
    const untilMs = clock.nowMs + 5000
    await this.#options.turn()
    while (clock.nextAtMs <= untilMs) {
      clock.runNext()
      await this.#options.turn()
    }
  }

  #addClient(): void {
    const random = this.#random
    const name = `client${this.#clients.length}`
    const disk = this.#disk(name)
    const client = new SimClient(this.#world, { name, docId: random.pick(this.#server.docIds), disk })
    this.#clients.push(client)
    void client.start(random.chance(0.7))
    this.#cutEarly(client)
  }

  /** Cuts a new client's first connections: its first sync is under way, and goes on with the next. */
  #cutEarly({ name }: SimClient): void {
    const { clock, network } = this.#world
    const random = this.#random
    for (let atMs = random.between(0, 500); random.chance(0.6); atMs += random.between(0, 2000))
      clock.after(atMs, () => network.cut(name))
  }

  /** A profile is copied while its browser is closed: two devices write under one id (T1). */
  #clone(client: SimClient, pauseMs: number): void {
    if (this.#clients.length >= CLIENTS_MAX) return
    this.#world.checkers.shared((client.local?.pending() ?? []).map(({ uid }) => uid))
    void client.restart(this.#random.pick(["crash", "stop"] as const), pauseMs, async () => {
      const name = `client${this.#clients.length}`
      const disk = await client.disk.copy(name, [client.docId])
      const twin = new SimClient(this.#world, { name, docId: client.docId, disk, twin: client })
      this.#clients.push(twin)
      void twin.start(this.#random.chance(0.5))
    })
  }

  #backUp(how: "crash" | "stop", pauseMs: number): void {
    void this.#server.restart(how, pauseMs, async () => {
      this.#backup = await this.#server.disk.copy("server", this.#server.docIds)
    })
  }

  /** The server's documents are put back from an older copy (T2). */
  #restore(pauseMs: number): void {
    const server = this.#server
    const backup = this.#backup
    const isWell = server.isUp && !server.isChanging && server.remotes.every(([, remote]) => remote.failure === null)
    if (backup === null || !isWell || this.#restores >= 2) return
    this.#restores++
    for (const [docId, remote] of server.remotes) this.#world.checkers.restoring(docId, remote)
    void server.restart("crash", pauseMs, () => server.restoreFrom(backup))
  }

  /** A disk turns a bit while its machine is off. It is noticed, and nothing is cut off for it (I11). */
  #flip(client: SimClient, how: "crash" | "stop", pauseMs: number): void {
    const { checkers } = this.#world
    const look = async (disk: SimDisk, docId: string) => {
      if (!disk.has(docId)) return
      const thrown = await disk.openFlipped(docId)
      const isDetected = thrown instanceof LfError && ["LOG_CORRUPT", "LOG_FORMAT_NEWER"].includes(thrown.code)
      if (!isDetected) checkers.fail("I11", `a bit of ${docId} on ${disk.options.name} is flipped: ${thrown}`)
    }
    if (this.#random.chance(0.5)) void client.restart(how, pauseMs, () => look(client.disk, client.docId))
    else void this.#server.restart(how, pauseMs, () => look(this.#server.disk, this.#random.pick(this.#server.docIds)))
  }

  /** Sometimes with a stolen secret: of a client that has signed in, so that it is refused (S4). */
  #attack(client: SimClient): void {
    this.#hostile ??= new SimHostile(this.#world, "hostile")
    const isTheft = client.user !== null && client.local !== null && this.#restores === 0 && this.#random.chance(0.2)
    void this.#hostile.act(client.docId, isTheft ? (client.local?.secret ?? null) : null)
  }

  #deploy(client: SimClient): void {
    const last = releases.length - 1
    if (this.#random.chance(0.5)) {
      this.#server.release = last
      void this.#server.restart("stop", 10)
    } else {
      client.release = last
      void client.restart("stop", 10)
    }
  }

  #disk(name: string): SimDisk {
    const { clock, trace, checkers, climate } = this.#world
    const { syncMsMax, diskFailure: failure } = climate
    const random = this.#random.fork()
    return new SimDisk({ name, clock, random, trace, watcher: checkers, syncMsMax, failure })
  }
}
