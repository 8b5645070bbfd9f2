import { bytesToHex } from "../base/bytes.ts"
import { hash64 } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import type { Network, Pipe, PipeListener } from "../network/network.ts"
import { closesAtOnce } from "./faulty-pipes.ts"
import type { SeededRandom } from "./seeded-random.ts"
import type { SimClock } from "./sim-host.ts"
import type { Trace } from "./trace.ts"

/** How long an end waits until its system reports that the other is gone. */
const KEEPALIVE_MS_MIN = 15_000
const KEEPALIVE_MS_MAX = 60_000

export interface SimNetworkOptions {
  readonly clock: SimClock
  readonly random: SeededRandom
  readonly trace: Trace
  /** The usual longest delay of a frame. */
  readonly delayMsMax: number
  /** How likely a connection is not made. */
  readonly refusal: number
  /** Wraps the ends of each connection. */
  readonly faultyPipe?: (pipe: Pipe) => Pipe
}

/** The way between clients and one server: delays, cuts, partitions, and connections that swallow what they are given. */
export class SimNetwork {
  readonly options: SimNetworkOptions
  /** Takes the server's end; null: the server is down. */
  accept: ((pipe: Pipe) => void) | null = null
  /** Other servers, by name: a proxy sends each connection to any of them, or to the first server. */
  readonly others = new Map<string, (pipe: Pipe) => void>()
  isCalm = false
  readonly #connections = new Set<Connection>()
  readonly #away = new Set<string>()

  constructor(options: SimNetworkOptions) {
    this.options = options
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** The way to the server as the process called `client` has it. */
  wayOf(client: string, accept: (pipe: Pipe) => void = (pipe) => this.accept?.(pipe)): Network {
    return { connect: () => this.#connect(client, accept) }
  }

  /** Cuts the client's connections; both ends get `closed`, each in its own time. */
  cut(client: string): void {
    for (const connection of this.#of(client)) connection.cut()
  }

  /** From now on the client's connections swallow everything and say nothing (T22). */
  halfOpen(client: string): void {
    for (const connection of this.#of(client)) connection.swallow()
  }

  /** Nothing from or to the client gets through. */
  part(client: string): void {
    this.#away.add(client)
    this.halfOpen(client)
  }

  heal(client?: string): void {
    if (client === undefined) this.#away.clear()
    else this.#away.delete(client)
  }

  /** The process at one end is gone and gets nothing; the other end gets `closed`, or times out. */
  died(end: "client" | "server", client?: string): void {
    for (const connection of this.#of(client)) if (end === "client" || connection.server === "") connection.lose(end)
  }

  /** As `died`, of one of the other servers. */
  otherDied(server: string): void {
    for (const connection of this.#of(undefined)) if (connection.server === server) connection.lose("server")
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection)
  }

  delayMs(): number {
    const { random, delayMsMax } = this.options
    return random.chance(0.05) && !this.isCalm ? random.between(0, delayMsMax * 20) : random.between(0.1, delayMsMax)
  }

  async #connect(client: string, acceptFirst: (pipe: Pipe) => void): Promise<Pipe> {
    const { clock, random, faultyPipe = (pipe: Pipe) => pipe, refusal } = this.options
    await clock.sleep(this.delayMs())
    if (this.#away.has(client) && random.chance(0.5)) await new Promise<never>(() => {})
    const isRefused = !this.isCalm && random.chance(refusal)
    const server = this.others.size === 0 ? "" : random.pick(["", ...this.others.keys()])
    const accept = server === "" ? acceptFirst : this.others.get(server)
    const isDown = accept === undefined || (server === "" && this.accept === null)
    if (isDown || this.#away.has(client) || isRefused) {
      throw new LfError("SERVER_CLOSING", "there is no way to the server")
    }
    const connection = new Connection(this, client, server)
    this.#connections.add(connection)
    const { near, far } = connection
    accept(faultyPipe(far))
    // Browsers report the end of a socket inside `close`, Node later: a client must get along with both (T29).
    return faultyPipe(random.chance(0.5) ? closesAtOnce(near) : near)
  }

  #of(client: string | undefined): Connection[] {
    return [...this.#connections].filter((connection) => client === undefined || connection.client === client)
  }
}

class Connection {
  readonly client: string
  readonly server: string
  readonly near: End
  readonly far: End
  readonly #network: SimNetwork
  /** Frames are lost from now on: no later one may get through either. */
  #isSwallowing = false

  constructor(network: SimNetwork, client: string, server: string) {
    this.#network = network
    this.client = client
    this.server = server
    this.near = new End(this)
    this.far = new End(this)
  }

  carry(from: End, frame: Uint8Array): void {
    if (this.#isSwallowing) return
    const { clock, trace } = this.#network.options
    const to = this.#other(from)
    to.arrivalMs = Math.max(to.arrivalMs, clock.nowMs + this.#network.delayMs())
    clock.after(to.arrivalMs - clock.nowMs, () => {
      // A browser's socket that was closed gets no more frames; a server's still may.
      if (this.#isSwallowing || to.isDeaf || (to === this.near && to.isClosed)) return
      trace.note(`${clock.nowMs} ${from === this.near ? "from" : "to"} ${this.client} ${hashOf(frame)}`)
      to.deliver((listener) => listener.frame(frame))
    })
  }

  /** One end closed: what it had sent still arrives, then the other gets `closed`. */
  closedBy(end: End, reason: string): void {
    const { clock } = this.#network.options
    const other = this.#other(end)
    this.#report(end, reason, this.#network.delayMs())
    const delayMs = Math.max(0, other.arrivalMs - clock.nowMs) + this.#network.delayMs()
    this.#report(other, reason, this.#isSwallowing ? this.#keepaliveMs() : delayMs)
  }

  cut(): void {
    this.#isSwallowing = true
    const { random } = this.#network.options
    for (const end of [this.near, this.far]) this.#report(end, "the connection was cut", random.between(0, 3000))
  }

  swallow(): void {
    this.#isSwallowing = true
    this.#report(this.far, "no process is there", this.#keepaliveMs())
  }

  lose(gone: "client" | "server"): void {
    const [lost, left] = gone === "client" ? [this.near, this.far] : [this.far, this.near]
    lost.isDeaf = true
    const isSilent = this.#network.options.random.chance(0.3)
    this.#isSwallowing = true
    this.#report(left, "the other end is gone", isSilent ? this.#keepaliveMs() : this.#network.delayMs())
  }

  #report(end: End, reason: string, delayMs: number): void {
    this.#network.options.clock.after(delayMs, () => {
      if (end.isDeaf) return
      end.isDeaf = true
      end.deliver((listener) => listener.closed(reason))
      if (this.#other(end).isDeaf) this.#network.forget(this)
    })
  }

  #keepaliveMs(): number {
    return this.#network.options.random.between(KEEPALIVE_MS_MIN, KEEPALIVE_MS_MAX)
  }

  #other(end: End): End {
    return end === this.near ? this.far : this.near
  }
}

class End implements Pipe {
  /** The last frame that is under way to this end arrives then: frames keep their order. */
  arrivalMs = 0
  /** Its process is gone, or was informed that the connection is. */
  isDeaf = false
  isClosed = false
  readonly #connection: Connection
  readonly #early: ((listener: PipeListener) => void)[] = []
  #listener: PipeListener | null = null

  constructor(connection: Connection) {
    this.#connection = connection
  }

  send(frame: Uint8Array): void {
    if (!this.isClosed && !this.isDeaf) this.#connection.carry(this, frame.slice())
  }

  close(reason: string): void {
    if (this.isClosed || this.isDeaf) return
    this.isClosed = true
    this.#connection.closedBy(this, reason)
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    for (const event of this.#early.splice(0)) event(listener)
  }

  deliver(event: (listener: PipeListener) => void): void {
    if (this.#listener === null) this.#early.push(event)
    else event(this.#listener)
  }
}

function hashOf(frame: Uint8Array): string {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, hash64(frame))
  return bytesToHex(bytes)
}
