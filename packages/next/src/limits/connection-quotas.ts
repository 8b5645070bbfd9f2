import { LfError } from "@lf/core"
import { type Cancel, PART_BYTES_MAX, type Pace, type Pipe } from "@lf/core/internal"
import { FairQueue } from "./fair-queue.ts"
import { BURST_SECONDS, KEYS_MAX, type Limits } from "./limits.ts"
import { RateLimiter } from "./rate-limiter.ts"

/** Mutations that take some milliseconds to be looked at. */
const LARGE_BATCH = 100
/** How often a connection that may not have more pages is looked at again. */
const LOOK_MS = 20

export interface MeteredPipe extends Pipe {
  readonly unreadBytes: number
}

/** A connection that was not let in yet. */
export interface UnadmittedPipe extends MeteredPipe {
  /** It was let in: the limits of a stranger end. */
  welcomed(): void
}

/** What an address has unfinished, as one of its connections sees it. */
export interface IntakeShare {
  /** Bytes that this connection holds now. */
  hold(bytes: number): void
  leave(): void
}

/** A connection that was let in. */
export interface ConnectionQuota {
  readonly pace: Pace
  /** The connection's pipe, with what goes out counted. */
  readonly pipe: Pipe
  leave(): void
}

/** What one connection holds of frames that are not whole. */
interface Holding {
  bytes: number
  cut(): void
}

interface AddressHoldings {
  bytes: number
  /** The oldest connection first. */
  readonly all: Set<Holding>
}

interface GuestEntry {
  readonly docId: string
  readonly pipe: MeteredPipe
}

/** How many of each are there now; all 0 when the last connection has gone. */
export interface ConnectionCounts {
  readonly connections: number
  readonly addresses: number
  readonly intakes: number
  readonly owners: number
  readonly unfinishedBytes: number
}

/** What every address and principal has of one server, held to its limits (S7, I17). */
export class ConnectionQuotas {
  readonly limits: Limits
  readonly #countByAddress = new Map<string, number>()
  readonly #holdingsByAddress = new Map<string, AddressHoldings>()
  readonly #guestsByOwner = new Map<string, Set<GuestEntry>>()
  readonly #upgrades: RateLimiter
  readonly #creates: RateLimiter
  readonly #mutations: RateLimiter
  readonly #pageBytes: RateLimiter
  readonly #turns = new FairQueue()
  #connections = 0

  constructor(limits: Limits) {
    const nowMs = () => performance.now()
    const perMinute = limits.upgradesPerAddressPerMinute
    this.limits = limits
    this.#upgrades = new RateLimiter({ perSecond: perMinute / 60, burst: perMinute, keysMax: KEYS_MAX, nowMs })
    const perHour = limits.createsPerPrincipalPerHour
    this.#creates = new RateLimiter({ perSecond: perHour / 3_600, burst: perHour, keysMax: KEYS_MAX, nowMs })
    const rate = (perSecond: number) =>
      new RateLimiter({ perSecond, burst: perSecond * BURST_SECONDS, keysMax: KEYS_MAX, nowMs })
    this.#mutations = rate(limits.mutationsPerSecond)
    this.#pageBytes = rate(limits.pageBytesPerSecond)
  }

  /** Whether one more socket of this address may open; asking counts as an upgrade. */
  mayUpgrade(address: string): boolean {
    const { connectionsMax, connectionsPerAddressMax } = this.limits
    if (this.#connections >= connectionsMax) return false
    if ((this.#countByAddress.get(address) ?? 0) >= connectionsPerAddressMax) return false
    return this.#upgrades.tryTake(address)
  }

  /** A socket is open. Returns its undo. */
  opened(address: string): Cancel {
    this.#connections++
    this.#countByAddress.set(address, (this.#countByAddress.get(address) ?? 0) + 1)
    return () => {
      this.#connections--
      const count = (this.#countByAddress.get(address) ?? 1) - 1
      if (count === 0) this.#countByAddress.delete(address)
      else this.#countByAddress.set(address, count)
    }
  }

  /**
   * One connection's share of what its address may have unfinished. When all of them hold more than
   * `unfinishedBytesPerAddressMax`, the newest that holds any is cut: one that was served before goes on.
   */
  intake(address: string, cut: () => void): IntakeShare {
    const holdings = this.#holdingsByAddress.get(address) ?? { bytes: 0, all: new Set() }
    this.#holdingsByAddress.set(address, holdings)
    const holding: Holding = { bytes: 0, cut }
    holdings.all.add(holding)
    const hold = (bytes: number) => {
      if (!holdings.all.has(holding)) return
      holdings.bytes += bytes - holding.bytes
      holding.bytes = bytes
      if (holdings.bytes > this.limits.unfinishedBytesPerAddressMax) cutNewest(holdings)
    }
    return {
      hold,
      leave: () => {
        hold(0)
        holdings.all.delete(holding)
        if (holdings.all.size === 0) this.#holdingsByAddress.delete(address)
      },
    }
  }

  /** What is counted of anybody at this moment. */
  get counts(): ConnectionCounts {
    let unfinishedBytes = 0
    for (const { bytes } of this.#holdingsByAddress.values()) unfinishedBytes += bytes
    return {
      connections: this.#connections,
      addresses: this.#countByAddress.size,
      intakes: this.#holdingsByAddress.size,
      owners: this.#guestsByOwner.size,
      unfinishedBytes,
    }
  }

  /** @throws RATE_LIMITED when this principal made too many documents within the hour; asking counts as one */
  create(owner: string): void {
    if (!this.#creates.tryTake(owner))
      throw new LfError(
        "RATE_LIMITED",
        `expected at most ${this.limits.createsPerPrincipalPerHour} new documents of one user in an hour, got one more`,
      )
  }

  /** @throws RATE_LIMITED */
  admit({ owner, docId, pipe }: { owner: string; docId: string; pipe: MeteredPipe }): ConnectionQuota {
    const guests = this.#guestsByOwner.get(owner) ?? new Set()
    const { connectionsPerPrincipalMax, documentsPerPrincipalMax } = this.limits
    if (guests.size >= connectionsPerPrincipalMax)
      throw new LfError(
        "RATE_LIMITED",
        `expected at most ${connectionsPerPrincipalMax} connections of one user, got one more`,
      )
    const documents = new Set(Array.from(guests, (quota) => quota.docId)).add(docId)
    if (documents.size > documentsPerPrincipalMax)
      throw new LfError(
        "RATE_LIMITED",
        `expected at most ${documentsPerPrincipalMax} open documents of one user, got one more`,
      )
    const entry = { docId, pipe }
    guests.add(entry)
    this.#guestsByOwner.set(owner, guests)
    return {
      pace: {
        mutations: (count) => this.#paceMutations(owner, count),
        pages: () => this.#pacePages(owner, entry),
        news: () => this.#paceNews(owner, entry),
      },
      pipe: {
        send: (frame) => {
          this.#pageBytes.take(owner, frame.length)
          pipe.send(frame)
        },
        close: (reason) => pipe.close(reason),
        listen: (listener) => pipe.listen(listener),
      },
      leave: () => {
        guests.delete(entry)
        if (guests.size === 0) this.#guestsByOwner.delete(owner)
      },
    }
  }

  /** A large batch has its turn before it is looked at, owner by owner: many of them at once are many pieces of work (T39). */
  #paceMutations(owner: string, count: number): Promise<void> | undefined {
    const waitMs = this.#mutations.take(owner, count)
    if (waitMs > 0) return sleep(waitMs).then(() => this.#turns.next(owner))
    return count < LARGE_BATCH ? undefined : this.#turns.next(owner)
  }

  /** Owner by owner in turn, so that many first syncs starve nobody. */
  async #pacePages(owner: string, entry: GuestEntry): Promise<void> {
    await this.#paceNews(owner, entry)
    await this.#turns.next(owner)
  }

  /** Pages are made for who has read the last ones. */
  #paceNews(owner: string, entry: GuestEntry): Promise<void> | undefined {
    const waitMs = this.#waitMs(owner, entry)
    return waitMs === 0 ? undefined : sleep(waitMs).then(() => this.#paceNews(owner, entry))
  }

  #waitMs(owner: string, entry: GuestEntry): number {
    const guests = this.#guestsByOwner.get(owner)
    if (guests === undefined || !guests.has(entry)) return 0 // it is gone
    const isRead =
      entry.pipe.unreadBytes <= PART_BYTES_MAX && unreadBytes(guests) <= this.limits.unreadBytesPerPrincipalMax
    return Math.max(this.#pageBytes.take(owner, 0), isRead ? 0 : LOOK_MS)
  }
}

/** It counts no more, and its memory is free as soon as its socket is gone. */
function cutNewest(holdings: AddressHoldings): void {
  const newest = Array.from(holdings.all).findLast(({ bytes }) => bytes > 0)
  if (newest === undefined) return
  holdings.bytes -= newest.bytes
  newest.bytes = 0
  newest.cut()
}

function unreadBytes(guests: ReadonlySet<GuestEntry>): number {
  let bytes = 0
  for (const { pipe } of guests) bytes += pipe.unreadBytes
  return bytes
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref())
}
