import type { PeerListener, Peers, Pipe } from "@lf/core/internal"
import type { Shard } from "./shard.ts"

/** The other servers: those of a document by its database, any other by each database that both have. */
export class ShardPeers implements Peers {
  readonly openOrReach: Peers["openOrReach"]
  readonly #shards: readonly Shard[]

  constructor(shards: readonly Shard[], openOrReach: Peers["openOrReach"]) {
    this.#shards = shards
    this.openOrReach = openOrReach
  }

  get address(): string {
    return this.#shards[0].peers.address
  }

  async reachServer(address: string): Promise<Pipe | null> {
    let failure: unknown = null
    for (const { peers } of this.#shards) {
      try {
        const pipe = await peers.reachServer(address)
        if (pipe !== null) return pipe
      } catch (error) {
        failure = error
      }
    }
    if (failure !== null) throw failure
    return null
  }

  listen(listener: PeerListener): void {
    for (const { peers } of this.#shards) peers.listen(listener)
  }

  /** By all: a notice that comes twice does no more than once. */
  notify(notice: string): void {
    for (const { peers } of this.#shards) peers.notify(notice)
  }
}
