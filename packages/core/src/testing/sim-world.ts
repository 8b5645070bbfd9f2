import type { Checkers } from "./checkers.ts"
import type { SeededRandom } from "./seeded-random.ts"
import type { SimHistory } from "./sim-history.ts"
import type { SimClock } from "./sim-host.ts"
import type { SimNetwork } from "./sim-network.ts"
import type { SqlitePool } from "./sqlite-pool.ts"
import type { Trace } from "./trace.ts"

/** What a seed decides once for its whole run. */
export interface Climate {
  readonly syncMsMax: number
  /** How likely one write fails, on clients and at the server. */
  readonly diskFailure: number
  /** How likely a group of mutations is stopped by the server's guard. */
  readonly hang: number
  /** How often a user makes a mutation that kills the server, against ten that add something. */
  readonly poison: number
  /** How often a user makes one that may be allowed, or not, each time that the server asks; only where no profile is copied. */
  readonly moods: number
  /** How much time passes at the server with each look at its clock. */
  readonly lookMs: number
  /** After so long without contact the server forgets a client; only where no profile is copied. */
  readonly clientForgottenMs: number | undefined
  /** How far clients' clocks may be wrong. */
  readonly skewMsMax: number
  /** Bytes of deltas after which a client rewrites its base. */
  readonly rollupBytes: number
  /** Pages in a part of a first sync: few, so that it has many parts, some of which are cut off. */
  readonly chunkPages: number
  /** How long a chunk is compressed or inflated at the most; 0: it is done at once. */
  readonly deflateMsMax: number
  /** After so many runs of live queries a client lets others work; 0: it does all in one piece. */
  readonly runsPerSlice: number
}

/** What all machines of one run share. */
export interface SimWorld {
  readonly clock: SimClock
  readonly random: SeededRandom
  readonly trace: Trace
  readonly network: SimNetwork
  /** From servers to the owner of the documents. */
  readonly between: SimNetwork
  readonly pool: SqlitePool
  readonly checkers: Checkers
  readonly climate: Climate
  /** By document. */
  readonly histories: ReadonlyMap<string, SimHistory>
}
