import { Local } from "../local/local.ts"
import { Session } from "../local/session.ts"
import type { Welcome } from "../network/message.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import type { SeededRandom } from "./seeded-random.ts"
import { auditQuery, type Fate, fateOf, randomMutation, releases } from "./sim-app.ts"
import { SimHost } from "./sim-host.ts"
import type { SimDisk } from "./sim-log.ts"
import { greeted, wrongClaim } from "./sim-status.ts"
import { SimTab, someQueries } from "./sim-tab.ts"
import type { SimWorld } from "./sim-world.ts"

/** One device with one document open: its disk outlives the process, which crashes and starts again. */
export class SimClient {
  readonly name: string
  readonly docId: string
  readonly disk: SimDisk
  /** What was promised to this device's user: mutations whose `durable` resolved. */
  readonly resolved: Map<string, Fate>
  /** Rejections that the user dismissed, and those of them that are so for ever. */
  readonly dismissals: Set<string>
  readonly dismissed: Set<string>
  user: string | null = null
  /** Another device was made from this one's profile, or this one from another's. */
  hasTwin = false
  /** The version of the app that the process loads when it starts. */
  release = 0
  state: "down" | "up" | "changing" = "down"
  local: Local | null = null
  readonly #world: SimWorld
  readonly #random: SeededRandom
  readonly #skewMs: number
  #host: SimHost | null = null
  #session: Session | null = null
  #module: SqliteModule | null = null
  #tabs: SimTab[] = []
  #tabCount = 0
  /** A new process may show an older base than the last one had and not kept. */
  #starts = 0
  /** The base that was last seen without anything pending on it. */
  #sawBase = ""
  /** The release that the process runs. */
  #running = 0
  /** The last server's welcome to this process; null: none yet, or its connection is over. */
  #greeted: Welcome | null = null

  constructor(world: SimWorld, options: { name: string; docId: string; disk: SimDisk; twin?: SimClient }) {
    this.#world = world
    this.name = options.name
    this.docId = options.docId
    this.disk = options.disk
    const { twin } = options
    this.resolved = new Map(twin?.resolved)
    this.dismissals = new Set(twin?.dismissals)
    this.dismissed = new Set(twin?.dismissed)
    if (twin !== undefined) {
      this.hasTwin = true
      twin.hasTwin = true
      this.release = twin.release
      this.user = twin.user
    }
    this.#random = world.random.fork()
    this.#skewMs = this.#random.between(-1, 1) * world.climate.skewMsMax
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
    const host = new SimHost(clock, this.#random.fork(), this.#skewMs)
    const module = pool.take()
    try {
      const opened = await this.disk.open(this.docId)
      this.#running = this.release
      const mutator = releases[this.#running]
      const { rollupBytes, runsPerSlice } = climate
      if (runsPerSlice > 0) host.yieldFor(() => this.#random.between(0, 300))
      this.local = new Local({ opened, module, mutator, host, user: this.user, rollupBytes, runsPerSlice })
    } catch (error) {
      checkers.fail("I3", `${this.name} does not open its document: ${error}`)
      return
    }
    this.#host = host
    this.#module = module
    this.#greeted = null
    this.#starts++
    this.#sawBase = ""
    const session = new Session({
      docId: this.docId,
      local: this.local,
      network: greeted(network.wayOf(this.name), (welcome) => {
        this.#greeted = welcome
      }),
      host,
      token: async () => this.user,
      onChange: () => {},
    })
    if (!isOnline) session.setOnline(false)
    this.#session = session
    this.state = "up"
    while (this.#tabs.length === 0 || this.#random.chance(0.3)) this.#tabs.push(this.#openTab())
    for (const tab of this.#tabs)
      tab.attach(
        this.local,
        someQueries((items) => this.#random.pick(items)),
      )
    checkers.clientStarted(this)
  }

  #openTab(): SimTab {
    const { checkers, clock, histories } = this.#world
    const process = `${this.name} tab ${this.#tabCount++}`
    const history = histories.get(this.docId)
    return new SimTab(this, checkers, {
      called: (uid) => history?.called(process, uid, clock.nowMs),
      decided: (uid, type) => history?.decided(uid, type, clock.nowMs),
    })
  }

  setOnline(isOnline: boolean): void {
    this.#session?.setOnline(isOnline)
  }

  poke(): void {
    this.#session?.poke()
  }

  /** Something the user does, in one of the tabs. */
  mutate(): void {
    const { checkers, trace, climate } = this.#world
    const { local } = this
    if (this.state !== "up" || local === null || local.failure !== null) return
    const { name, args } = randomMutation(this.#random, climate)
    trace.note(`${this.name} ${name} ${args.uid}`)
    checkers.made(args.uid, { name, args, fate: fateOf(name), docId: this.docId, author: "client" })
    this.#random.pick(this.#tabs).call(name, args)
  }

  /** `durable` resolved: whatever happens now, this is not forgotten. */
  promised(uid: string, fate: Fate): void {
    this.resolved.set(uid, fate)
    this.#world.checkers.resolved(uid)
  }

  /** The user has read that something was rejected. */
  dismiss(): void {
    const { local } = this
    if (this.state !== "up" || local === null || local.failure !== null || local.rejections.length === 0) return
    const { uid, code, data } = this.#random.pick(local.rejections)
    this.#world.checkers.decided(uid, { type: "rejected", code, data })
    this.dismissals.add(uid)
    local.dismiss(uid).then(
      () => this.dismissed.add(uid),
      () => {},
    )
  }

  /** A signed-out user signs in; what they made before stays theirs (T26). */
  signIn(user: string): void {
    if (this.user !== null || this.hasTwin) return
    this.user = user
    void this.restart("stop", 10)
  }

  /** What the tabs show, after whatever happened, and what the status says. */
  look(): void {
    for (const tab of this.#tabs) tab.look()
    const { local } = this
    const state = this.#session?.state
    if (local === null || state === undefined) return
    this.#see(local)
    const wrong = wrongClaim(state, local, this.#greeted)
    if (wrong !== null) this.#world.checkers.fail("H7", `${this.name} says that it ${wrong}`)
  }

  /** Notes the list that this device sees when nothing of its own is pending. */
  #see(local: Local): void {
    const base = `${local.epoch}/${local.cursor}`
    if (local.pendingCount > 0 || local.cursor === 0 || base === this.#sawBase) return
    this.#sawBase = base
    const uids = local.query(auditQuery).map(({ uid }) => uid)
    this.#world.histories.get(this.docId)?.saw(`${this.name} start ${this.#starts}`, uids, this.#world.clock.nowMs)
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
    for (const tab of this.#tabs) tab.detach()
    // A worker may die alone; then its tabs wait for the next one.
    if (how === "stop" || this.#random.chance(0.5)) this.#tabs = []
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
