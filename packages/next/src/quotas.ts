import { type Cancel, LfError, PART_BYTES_MAX, type Pace, type Pipe } from "@lf/core"
import { BURST_SECONDS, KEYS_MAX, type Limits } from "./limits.ts"
import { TokenBuckets } from "./token-buckets.ts"
import { Turns } from "./turns.ts"

/** How often a connection that may not have more pages is looked at again. */
const LOOK_MS = 20

export interface VisitorPipe extends Pipe {
  readonly unreadBytes: number
}

/** A connection that was let in. */
export interface Guest {
  readonly pace: Pace
  /** The connection's pipe, with what goes out counted. */
  readonly pipe: Pipe
  leave(): void
}

interface GuestEntry {
  readonly docId: string
  readonly pipe: VisitorPipe
}

/** What every address and principal has of one server, held to its limits (S7, I17). */
export class Quotas {
  readonly limits: Limits
  readonly #countByAddress = new Map<string, number>()
  readonly #guestsByOwner = new Map<string, Set<GuestEntry>>()
  readonly #upgrades: TokenBuckets
  readonly #mutations: TokenBuckets
  readonly #pageBytes: TokenBuckets
  readonly #turns = new Turns()
  #connections = 0

  constructor(limits: Limits) {
    const nowMs = () => performance.now()
    const perMinute = limits.upgradesPerAddressPerMinute
    this.limits = limits
    this.#upgrades = new TokenBuckets({ perSecond: perMinute / 60, burst: perMinute, keysMax: KEYS_MAX, nowMs })
    const rate = (perSecond: number) =>
      new TokenBuckets({ perSecond, burst: perSecond * BURST_SECONDS, keysMax: KEYS_MAX, nowMs })
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

  /** @throws RATE_LIMITED */
  welcome({ owner, docId, pipe }: { owner: string; docId: string; pipe: VisitorPipe }): Guest {
    const guests = this.#guestsByOwner.get(owner) ?? new Set()
    const { connectionsPerPrincipalMax, documentsPerPrincipalMax } = this.limits
    if (guests.size >= connectionsPerPrincipalMax) throw new LfError("RATE_LIMITED", "too many connections of one user")
    const documents = new Set(Array.from(guests, (guest) => guest.docId)).add(docId)
    if (documents.size > documentsPerPrincipalMax) throw new LfError("RATE_LIMITED", "too many documents of one user")
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

  #paceMutations(owner: string, count: number): Promise<void> | undefined {
    const waitMs = this.#mutations.take(owner, count)
    return waitMs === 0 ? undefined : sleep(waitMs)
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

function unreadBytes(guests: ReadonlySet<GuestEntry>): number {
  let bytes = 0
  for (const { pipe } of guests) bytes += pipe.unreadBytes
  return bytes
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref())
}
