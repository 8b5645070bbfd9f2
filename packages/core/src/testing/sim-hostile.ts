import { chainHash } from "../base/checksum.ts"
import { clientIdOf } from "../base/ids.ts"
import { LSN_ZERO, type Lsn, lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import type { ClientMessage, Message } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { helloOf } from "./hello.ts"
import type { SeededRandom } from "./seeded-random.ts"
import { randomMutation } from "./sim-app.ts"
import type { SimWorld } from "./sim-world.ts"

const FAR_LSN = 2 ** 48

/** A client that may connect and follows no rule. The others must see nothing from it but what any user may do. */
export class SimHostile {
  readonly #world: SimWorld
  readonly #random: SeededRandom
  readonly #name: string
  readonly #secret: Uint8Array
  #pipe: Pipe | null = null
  readonly #open = new Set<Pipe>()
  #isOver = false
  /** What the server last said that it has of ours. */
  #last: Lsn = LSN_ZERO
  #lastHash = 0n
  #count = 0

  constructor(world: SimWorld, name: string) {
    this.#world = world
    this.#random = world.random.fork()
    this.#name = name
    this.#secret = this.#random.bytes(32)
    world.checkers.hostile(clientIdOf(this.#secret))
  }

  /** A burst of random messages. `theft` is another client's secret, if it has one. */
  async act(docId: string, theft: Uint8Array | null): Promise<void> {
    const random = this.#random
    try {
      if (this.#pipe === null || random.chance(0.2)) await this.#connect(docId, theft ?? this.#secret)
      for (let i = random.below(random.pick([3, 12, 90])); i > 0; i--) this.#pipe?.send(this.#frame())
      if (random.chance(0.1)) this.leave()
    } catch {
      this.#pipe = null // there is no way to the server now
    }
  }

  leave(): void {
    this.#pipe?.close("enough")
    this.#pipe = null
  }

  /** For good: whatever it has open, and what it is about to open. */
  end(): void {
    this.#isOver = true
    this.#pipe = null
    for (const pipe of this.#open) pipe.close("enough")
  }

  async #connect(docId: string, secret: Uint8Array): Promise<void> {
    this.leave()
    const pipe = await this.#world.network.wayOf(this.#name).connect()
    if (this.#isOver) return pipe.close("enough")
    this.#pipe = pipe
    this.#open.add(pipe)
    pipe.listen({
      frame: (frame) => this.#receive(decodeMessage(frame)),
      closed: () => {
        this.#open.delete(pipe)
        if (this.#pipe === pipe) this.#pipe = null
      },
    })
    const isStranger = secret !== this.#secret
    pipe.send(
      encodeMessage(
        helloOf({
          docId: this.#random.chance(0.95) ? docId : "../etc",
          secret,
          epoch: this.#random.pick(["", "nonsense"]),
          cursor: this.#random.pick([LSN_ZERO, lsn(3), lsn(FAR_LSN)]),
          token: isStranger ? "mallory" : "",
        }),
      ),
    )
    if (isStranger) this.#pipe = null
  }

  #receive(message: Message): void {
    if (message.type === "welcome") {
      this.#last = message.clientLsn
      this.#lastHash = message.clientHash
    }
  }

  #frame(): Uint8Array {
    const random = this.#random
    if (random.chance(0.15)) return random.bytes(random.below(random.pick([4, 60, 600])))
    const frame = encodeMessage(this.#message())
    if (random.chance(0.25)) frame[random.below(frame.length)] ^= 1 << random.below(8)
    return random.chance(0.1) ? frame.slice(0, random.below(frame.length)) : frame
  }

  #message(): ClientMessage {
    const random = this.#random
    const far = () => lsn(random.pick([0, 1, 2, this.#last, this.#last + 1, 1000, FAR_LSN]))
    switch (random.weigh({ push: 5, ask: 3, part: 1, ping: 1 })) {
      case "push":
        return { type: "sync-mutations", batch: this.#batch(), confirmed: far() }
      case "ask":
        return {
          type: "sync-storage",
          cursor: far(),
          outcomesSeen: far(),
          resumeLsn: far(),
          resumePages: random.below(99),
        }
      case "part":
        return { type: "next-part" }
      case "ping":
        return { type: "ping" }
    }
  }

  /** Sometimes what fits; else a gap, another past, or entries that are no mutations. */
  #batch(): { from: Lsn; previousHash: bigint; entries: Uint8Array[] } {
    const random = this.#random
    const entries = Array.from({ length: 1 + random.below(4) }, () => this.#entry())
    if (random.chance(0.5)) {
      const batch = { from: this.#last, previousHash: this.#lastHash, entries }
      for (const entry of entries) this.#lastHash = chainHash(this.#lastHash, entry)
      this.#last = lsn(this.#last + entries.length)
      return batch
    }
    const gap = lsn(this.#last + 1 + random.below(5))
    return {
      from: random.pick([gap, LSN_ZERO, this.#last]),
      previousHash: random.pick([0n, 7n, this.#lastHash]),
      entries,
    }
  }

  #entry(): Uint8Array {
    const random = this.#random
    if (random.chance(0.15)) return random.bytes(random.below(80))
    const { name, args } = randomMutation(random, this.#world.climate)
    const own = { ...args, uid: `hostile ${this.#count++}`, title: "x".repeat(random.below(3000)) }
    const hostile = random.pick([null, [], "x", { uid: {} }, { ["__proto__"]: { id: 1 } }, { ...own, id: own }])
    return mutationCodec.encode({
      uid: random.uuid(),
      name: random.chance(0.1) ? "toString" : name,
      args: random.chance(0.15) ? hostile : own,
      at: random.pick([0, 1, 2 ** 50, this.#world.clock.nowMs]),
    })
  }
}
