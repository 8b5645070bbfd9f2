import { LfError } from "@lf/core"
import { type Cancel, PART_BYTES_MAX, type Pace, type Pipe } from "@lf/core/internal"
import { FairQueue } from "./fair-queue.ts"
import { BURST_SECONDS, KEYS_MAX, type Limits } from "./limits.ts"
import { RateLimiter } from "./rate-limiter.ts"

/** A batch of so many mutations takes milliseconds to process. */
const LARGE_BATCH = 100
/** How often a connection that is over its page budget is checked again. */
const LOOK_MS = 20

export interface MeteredPipe extends Pipe {
  readonly unreadBytes: number
}

/** A connection before its welcome. */
export interface UnadmittedPipe extends MeteredPipe {
  /** Called at the welcome: the limits before authentication end. */
  welcomed(): void
}

/** An address's unfinished bytes, as one of its connections sees them. */
export interface IntakeShare {
  /** Bytes that this connection holds now. */
  hold(bytes: number): void
  leave(): void
}

/** A connection after its welcome. */
export interface ConnectionQuota {
  readonly pace: Pace
  /** The connection's pipe, with its outgoing bytes counted. */
  readonly pipe: Pipe
  leave(): void
}

/** What one connection holds of unfinished frames. */
interface Holding {
  bytes: number
  cut(): void
}

interface AddressHoldings {
  bytes: number
  /** The oldest connection first. */
  readonly all: Set<Holding>
}

interface Member {
  readonly pipe: MeteredPipe
}

/** The connections of one address or principal. */
interface Principal {
  readonly members: Set<Member>
  readonly countByDocument: Map<string, number>
  /** What was sent since `unreadAtMs` counts as unread: the exact sum over all members costs too much for every request. */
  unreadBytesMost: number
  unreadAtMs: number
}

/** Entries now, by kind; all 0 when the last connection has left. */
export interface ConnectionCounts {
  readonly connections: number
  readonly addresses: number
  readonly intakes: number
  readonly owners: number
  readonly unfinishedBytes: number
}

/** Enforces the limits of each address and principal of one server (S7, I17). */
export class ConnectionQuotas {
  readonly limits: Limits
  readonly #countByAddress = new Map<string, number>()
  readonly #holdingsByAddress = new Map<string, AddressHoldings>()
  readonly #principals = new Map<string, Principal>()
  readonly #upgrades: RateLimiter
  readonly #creates: RateLimiter
  readonly #mutations: RateLimiter
  readonly #pageBytes: RateLimiter
  readonly #forwards: RateLimiter
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
    this.#forwards = rate(limits.bytesPerSecond)
  }

  /** Whether one more socket of this address may open; a call counts as an upgrade. */
  mayUpgrade(address: string): boolean {
    const { connectionsMax, connectionsPerAddressMax } = this.limits
    if (this.#connections >= connectionsMax) return false
    if ((this.#countByAddress.get(address) ?? 0) >= connectionsPerAddressMax) return false
    return this.#upgrades.tryTake(address)
  }

  /** Counts an open socket. Returns its undo. */
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
   * `unfinishedBytesPerAddressMax`, the newest that holds any is closed: one that was served before goes on.
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

  /** Bytes for another server, of a client that this one does not know: of one address as much as of one connection. */
  async paceForward(address: string, bytes: number): Promise<void> {
    const waitMs = this.#forwards.take(address, bytes)
    if (waitMs > 0) await sleep(waitMs)
  }

  /** The counts at this moment. */
  get counts(): ConnectionCounts {
    let unfinishedBytes = 0
    for (const { bytes } of this.#holdingsByAddress.values()) unfinishedBytes += bytes
    return {
      connections: this.#connections,
      addresses: this.#countByAddress.size,
      intakes: this.#holdingsByAddress.size,
      owners: this.#principals.size,
      unfinishedBytes,
    }
  }

  /** Counts as one creation. @throws RATE_LIMITED when this principal made too many documents within the hour */
  create(owner: string): void {
    if (!this.#creates.tryTake(owner))
      throw new LfError(
        "RATE_LIMITED",
        `expected at most ${this.limits.createsPerPrincipalPerHour} new documents of one user in an hour, got one more`,
      )
  }

  /** @throws RATE_LIMITED */
  admit({ owner, docId, pipe }: { owner: string; docId: string; pipe: MeteredPipe }): ConnectionQuota {
    const principal = this.#principals.get(owner) ?? newPrincipal()
    const { members, countByDocument } = principal
    const { connectionsPerPrincipalMax, documentsPerPrincipalMax } = this.limits
    if (members.size >= connectionsPerPrincipalMax)
      throw new LfError(
        "RATE_LIMITED",
        `expected at most ${connectionsPerPrincipalMax} connections of one user, got one more`,
      )
    if (!countByDocument.has(docId) && countByDocument.size >= documentsPerPrincipalMax)
      throw new LfError(
        "RATE_LIMITED",
        `expected at most ${documentsPerPrincipalMax} open documents of one user, got one more`,
      )
    const member: Member = { pipe }
    members.add(member)
    countByDocument.set(docId, (countByDocument.get(docId) ?? 0) + 1)
    this.#principals.set(owner, principal)
    return {
      pace: {
        mutations: (count) => this.#paceMutations(owner, count),
        pages: () => this.#pacePages(owner, member),
        news: () => this.#paceNews(owner, member),
      },
      pipe: {
        send: (frame) => {
          this.#pageBytes.take(owner, frame.length)
          principal.unreadBytesMost += frame.length
          pipe.send(frame)
        },
        close: (reason) => pipe.close(reason),
        listen: (listener) => pipe.listen(listener),
      },
      leave: () => {
        if (!members.delete(member)) return
        const count = (countByDocument.get(docId) ?? 1) - 1
        if (count === 0) countByDocument.delete(docId)
        else countByDocument.set(docId, count)
        if (members.size === 0) this.#principals.delete(owner)
      },
    }
  }

  /** A large batch waits its turn before it is processed, owner by owner: many of them would hold up the process (T39). */
  #paceMutations(owner: string, count: number): Promise<void> | undefined {
    const waitMs = this.#mutations.take(owner, count)
    if (waitMs > 0) return sleep(waitMs).then(() => this.#turns.next(owner))
    return count < LARGE_BATCH ? undefined : this.#turns.next(owner)
  }

  /** Owner by owner in turn, so that many first syncs starve no other owner. */
  async #pacePages(owner: string, member: Member): Promise<void> {
    await this.#paceNews(owner, member)
    await this.#turns.next(owner)
  }

  /** Pages are made only for a client that has read the last ones. */
  #paceNews(owner: string, member: Member): Promise<void> | undefined {
    const waitMs = this.#waitMs(owner, member)
    return waitMs === 0 ? undefined : sleep(waitMs).then(() => this.#paceNews(owner, member))
  }

  #waitMs(owner: string, member: Member): number {
    const principal = this.#principals.get(owner)
    if (principal === undefined || !principal.members.has(member)) return 0 // it has left
    const isRead = member.pipe.unreadBytes <= PART_BYTES_MAX && this.#hasRead(principal)
    return Math.max(this.#pageBytes.take(owner, 0), isRead ? 0 : LOOK_MS)
  }

  /** Whether all of its connections together have no more to read than they may. Summed up only when they might have. */
  #hasRead(principal: Principal): boolean {
    const most = this.limits.unreadBytesPerPrincipalMax
    const nowMs = performance.now()
    if (principal.unreadBytesMost > most && nowMs - principal.unreadAtMs >= LOOK_MS) {
      principal.unreadAtMs = nowMs
      principal.unreadBytesMost = 0
      for (const { pipe } of principal.members) principal.unreadBytesMost += pipe.unreadBytes
    }
    return principal.unreadBytesMost <= most
  }
}

function newPrincipal(): Principal {
  return { members: new Set(), countByDocument: new Map(), unreadBytesMost: 0, unreadAtMs: Number.NEGATIVE_INFINITY }
}

/** Closes it, removes it from the counts, and frees its memory with its socket. */
function cutNewest(holdings: AddressHoldings): void {
  const newest = Array.from(holdings.all).findLast(({ bytes }) => bytes > 0)
  if (newest === undefined) return
  holdings.bytes -= newest.bytes
  newest.bytes = 0
  newest.cut()
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref())
}
