import { isLfError } from "../base/error.ts"
import { Local } from "../local/local.ts"
import { Session } from "../local/session.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import type { Luck } from "./luck.ts"
import { type Fate, fateOf, randomMutation, releases } from "./sim-app.ts"
import { SimHost } from "./sim-host.ts"
import type { SimDisk } from "./sim-log.ts"
import type { SimWorld } from "./sim-world.ts"

/** One device with one document open: its disk outlives the process, which crashes and starts again. */
export class SimClient {
  readonly name: string
  readonly docId: string
  readonly disk: SimDisk
  /** What was promised to this device's user: mutations whose `durable` resolved. */
  readonly resolved: Map<string, Fate>
  /** The version of the app that the process loads when it starts. */
  release = 0
  state: "down" | "up" | "changing" = "down"
  local: Local | null = null
  readonly #world: SimWorld
  readonly #luck: Luck
  readonly #skewMs: number
  #host: SimHost | null = null
  #session: Session | null = null
  #module: SqliteModule | null = null
  /** The release that the process runs. */
  #running = 0

  constructor(world: SimWorld, options: { name: string; docId: string; disk: SimDisk; resolved?: Map<string, Fate> }) {
    this.#world = world
    this.name = options.name
    this.docId = options.docId
    this.disk = options.disk
    this.resolved = new Map(options.resolved)
    this.#luck = world.luck.fork()
    this.#skewMs = this.#luck.between(-1, 1) * world.climate.skewMsMax
  }

  get status(): string {
    return this.state === "up" ? (this.#session?.state.status ?? "none") : this.state
  }

  /** Runs older code than it should. */
  get isStale(): boolean {
    return this.state === "up" && this.#running !== this.release
  }

  async start(isOnline = true): Promise<void> {
    const { clock, network, pool, checkers, climate } = this.#world
    this.state = "changing"
    const host = new SimHost(clock, this.#luck.fork(), this.#skewMs)
    const module = pool.take()
    try {
      const opened = await this.disk.open(this.docId)
      this.#running = this.release
      const mutator = releases[this.#running]
      const { rollupBytes } = climate
      this.local = new Local({ opened, module, mutator, host, user: null, rollupBytes })
    } catch (error) {
      checkers.fail("I3", `${this.name} does not open its document: ${error}`)
      return
    }
    this.#host = host
    this.#module = module
    const session = new Session({
      docId: this.docId,
      local: this.local,
      network: network.wayOf(this.name),
      host,
      onChange: () => {},
    })
    if (!isOnline) session.setOnline(false)
    this.#session = session
    this.state = "up"
    checkers.clientStarted(this)
  }

  setOnline(isOnline: boolean): void {
    this.#session?.setOnline(isOnline)
  }

  poke(): void {
    this.#session?.poke()
  }

  /** Something the user does. */
  mutate(): void {
    const { checkers, trace } = this.#world
    const { local } = this
    if (this.state !== "up" || local === null || local.failure !== null) return
    const { name, args } = randomMutation(this.#luck)
    trace.note(`${this.name} ${name} ${args.uid}`)
    const fate = fateOf(name)
    checkers.made(args.uid, { fate, docId: this.docId, author: "client" })
    try {
      const { durable, remote } = local.run(name, args, args.uid)
      durable.then(
        () => {
          this.resolved.set(args.uid, fate)
          checkers.resolved(args.uid)
        },
        () => {},
      )
      void remote.then((outcome) => checkers.decided(args.uid, outcome.type))
    } catch (error) {
      const isExpected = isLfError(error) && (error.code === "MUTATION_REJECTED" || error.code.startsWith("LOG_"))
      if (!isExpected) checkers.fail("I21", `${this.name} cannot run ${name}: ${error}`)
      else if (error.code === "MUTATION_REJECTED" && fate === "always")
        checkers.fail("I7", `${this.name}: ${name} is refused: ${JSON.stringify(error.cause)}`)
    }
  }

  /** Ends the process, waits, does `meanwhile` with the disk, and starts it again. */
  async restart(how: "crash" | "stop", pauseMs: number, meanwhile?: () => Promise<void>): Promise<void> {
    if (this.state !== "up") return
    await this.end(how)
    await this.#world.clock.sleep(pauseMs)
    await meanwhile?.()
    await this.start()
  }

  async end(how: "crash" | "stop"): Promise<void> {
    const { local } = this
    const module = this.#module
    this.state = "changing"
    this.local = null
    this.#module = null
    this.#world.trace.note(`${this.name} ${how}`)
    if (how === "crash") {
      this.#host?.kill()
      this.#world.network.died("client", this.name)
      this.disk.crash()
    }
    this.#session?.stop()
    const closed = (local?.close() ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        if (module !== null) this.#world.pool.give(module)
      })
    if (how === "stop") await closed
    this.state = "down"
  }
}
