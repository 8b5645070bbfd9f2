/**
 * The limits of what clients may ask of one server (S7, I17). Each has its name and default here; `createLf({ limits })`
 * overrides them. A rate allows `BURST_SECONDS` of itself at once, so that offline work passes without waiting.
 * A rate delays and never refuses; a count refuses with RATE_LIMITED, and clients retry later.
 */
export interface Limits {
  /** Sockets of the process. */
  readonly connectionsMax: number
  /** Sockets of one address; IPv6: of one /64. An office behind one router shares it. */
  readonly connectionsPerAddressMax: number
  /** Sockets of one signed-in user: one per document and browser profile. */
  readonly connectionsPerPrincipalMax: number
  /** New sockets of one address; a minute's worth may come at once. */
  readonly upgradesPerAddressPerMinute: number
  /** An upgrade that no listener of the process has answered by then gets 404 (S20). */
  readonly upgradeMsMax: number
  /** Upgrades of one address, and of all, that no listener has answered yet; over it 429, and 503. */
  readonly unansweredUpgradesPerAddressMax: number
  readonly unansweredUpgradesMax: number
  /** A socket that has not said hello by then is closed. */
  readonly helloMsMax: number
  /** Bytes from one connection before the welcome: a hello with a token of 16 KiB and the hashes of 2,000 migrations. */
  readonly helloBytesMax: number
  /** Bytes of frames that are not whole yet, over all connections of one address; over it the newest is cut. */
  readonly unfinishedBytesPerAddressMax: number
  /** How long `authenticate` and `authorize` may take; later answers are ignored. */
  readonly authMsMax: number
  /** How often a connection is authorized again: a user who lost access is disconnected within this time (S2). */
  readonly recheckMs: number
  /** Frames from one connection, pings included. */
  readonly framesPerSecond: number
  /** Bytes from one connection; and of sends that one address has forwarded to other servers. */
  readonly bytesPerSecond: number
  /** Mutations of one principal, over all of its connections. */
  readonly mutationsPerSecond: number
  /** Page bytes to one principal, first syncs included. */
  readonly pageBytesPerSecond: number
  /** Bytes made for one principal that its connections have not read; no further pages are made for it meanwhile. */
  readonly unreadBytesPerPrincipalMax: number
  /** Without a frame for this long the connection counts as dead. A client pings every 10 s. */
  readonly idleMsMax: number
  /** What waits to be read by one connection; over it the connection is cut. One that asks as the protocol says has a part. */
  readonly unreadBytesMax: number
  /** More than this unread, and for `stuckMsMax` none of it read: not slow but stuck, and cut (T23). */
  readonly stuckBytesMax: number
  readonly stuckMsMax: number
  /** Documents that one principal creates per hour; an hour's worth may come at once. */
  readonly createsPerPrincipalPerHour: number
  /** Documents that one principal has open. */
  readonly documentsPerPrincipalMax: number
  /** Documents open in the process: each has a wasm instance and all of its pages in memory. */
  readonly openRoomsMax: number
  /** A document without clients is closed after this long. */
  readonly idleMs: number
  /** How long one group of mutations may run before it is stopped (T12). On PostgreSQL at most, and by default, 1,000. */
  readonly mutationMsMax: number
  /** How long one query of this process may run before it ends with SQL_LIMIT (H8). */
  readonly queryMsMax: number
  /** Pages of 4 KiB that mutations may fill in one document; one that would pass it is rejected with DOC_TOO_LARGE. At most 245,760. */
  readonly documentPagesMax: number
}

import { MUTATION_PAGES_MAX } from "@lf/core/internal"

const MIB = 1024 * 1024

export const LIMITS: Limits = {
  connectionsMax: 10_000,
  connectionsPerAddressMax: 500,
  connectionsPerPrincipalMax: 200,
  upgradesPerAddressPerMinute: 600,
  upgradeMsMax: 10_000,
  unansweredUpgradesPerAddressMax: 50,
  unansweredUpgradesMax: 1_000,
  helloMsMax: 10_000,
  helloBytesMax: MIB / 16,
  unfinishedBytesPerAddressMax: 16 * MIB,
  authMsMax: 10_000,
  recheckMs: 60_000,
  framesPerSecond: 500,
  bytesPerSecond: 4 * MIB,
  mutationsPerSecond: 10_000,
  pageBytesPerSecond: 16 * MIB,
  unreadBytesPerPrincipalMax: 16 * MIB,
  idleMsMax: 45_000,
  unreadBytesMax: 4 * MIB,
  stuckBytesMax: MIB / 16,
  stuckMsMax: 30_000,
  createsPerPrincipalPerHour: 600,
  documentsPerPrincipalMax: 200,
  openRoomsMax: 1_000,
  idleMs: 60_000,
  mutationMsMax: 5_000,
  queryMsMax: 1_000,
  documentPagesMax: MUTATION_PAGES_MAX,
}

export const BURST_SECONDS = 4

/** Addresses and principals that are remembered; over it the longest unseen is forgotten, and starts again at zero. */
export const KEYS_MAX = 10_000

/**
 * `blockMsMax`: how long the store bears a mutation.
 * @throws TypeError for a limit that is no positive number, that is unknown, or that the store does not bear
 */
export function limitsOf(wanted: Partial<Limits> = {}, blockMsMax = Number.POSITIVE_INFINITY): Limits {
  for (const [name, value] of Object.entries(wanted)) {
    if (!Object.hasOwn(LIMITS, name))
      throw new TypeError(`createLf({ limits }): expected a limit of SECURITY.md, got ${name}`)
    if (typeof value !== "number" || !(value > 0))
      throw new TypeError(`createLf({ limits }): ${name} must be a number greater than 0, got ${value}`)
  }
  const { mutationMsMax = Math.min(LIMITS.mutationMsMax, blockMsMax) } = wanted
  if (mutationMsMax > blockMsMax)
    throw new TypeError(
      `createLf({ limits }): with this store mutationMsMax is at most ${blockMsMax}, got ${mutationMsMax}: a server that ` +
        "stands still for longer loses its documents to others",
    )
  return { ...LIMITS, ...wanted, mutationMsMax }
}
