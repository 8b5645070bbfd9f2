import type { PeerListener, Peers, Pipe } from "@lf/core/internal"
import type { Shard } from "./shard.ts"

class UnknownServer extends Error {}

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

  /** By the first that knows it: another database may hang. */
  async reachServer(address: string): Promise<Pipe | null> {
    const asked = this.#shards.map(async ({ peers }) => {
      if (await peers.knows(address)) return peers
      throw new UnknownServer()
    })
    try {
      return await (await Promise.any(asked)).reachServer(address)
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error
      const failure = error.errors.find((one) => !(one instanceof UnknownServer))
      if (failure !== undefined) throw failure
      return null
    }
  }

  listen(listener: PeerListener): void {
    for (const { peers } of this.#shards) peers.listen(listener)
  }

  /** By all: a notice that comes twice does no more than once. */
  notify(notice: string): void {
    for (const { peers } of this.#shards) peers.notify(notice)
  }
}
