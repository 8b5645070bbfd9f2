import type { SeededRandom } from "./seeded-random.ts"
import { SimGateway } from "./sim-gateway.ts"
import type { SimServer } from "./sim-server.ts"
import type { SimWorld } from "./sim-world.ts"

/** What has to do with other servers is drawn apart, so that the rest of a seed is the same with and without them. */
export const GATEWAY_SEED = 0x6e6f6465

/** The servers besides the owner of the documents, none in some runs: a proxy sends connections to any server. */
export class SimFleet {
  isCalm = false
  readonly #world: SimWorld
  readonly #random: SeededRandom
  readonly #gateways: readonly SimGateway[]

  constructor(world: SimWorld, server: SimServer, random: SeededRandom) {
    this.#world = world
    this.#random = random
    this.#gateways = Array.from({ length: random.pick([0, 0, 1, 2, 3]) }, (_, i) => {
      const name = `gateway${i}`
      const wayTo = (docId: string) => world.between.wayOf(name, (pipe) => server.relay(docId, pipe))
      return new SimGateway(world, { name, random: random.fork(), wayTo, release: () => server.release })
    })
    for (const gateway of this.#gateways) {
      gateway.start()
      if (random.chance(0.7)) gateway.endNowAndThen(() => this.isCalm)
      if (random.chance(0.5)) this.#cutNowAndThen(gateway.name)
    }
  }

  /**
   * The owner is replaced and does not know. With other servers it goes on for longer, and clients change their server: some come to
   * one that still relays to it.
   */
  replacedFor(ms: number, clients: readonly { readonly name: string }[]): number {
    if (this.#gateways.length === 0) return ms
    const { clock, network } = this.#world
    const random = this.#random
    const staysMs = ms + random.between(0, 20_000)
    for (const { name } of clients)
      for (let atMs = random.between(0, staysMs); atMs < staysMs; atMs += random.between(100, 2000))
        clock.after(atMs, () => network.cut(name))
    return staysMs
  }

  /** Those that run an older release start anew. */
  tend(): void {
    for (const gateway of this.#gateways) if (gateway.isStale) gateway.restart(0)
  }

  restart(): void {
    for (const gateway of this.#gateways) gateway.restart(10)
  }

  #cutNowAndThen(name: string): void {
    const { clock, between } = this.#world
    clock.after(this.#random.between(0, 30_000), () => {
      if (this.isCalm) return
      between.cut(name)
      this.#cutNowAndThen(name)
    })
  }
}
