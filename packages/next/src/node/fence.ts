import { join } from "node:path"
import { LfError } from "@lf/core"
import type { FsCalls } from "./fs-calls.ts"
import { FENCE, holderOf, newToken, signature } from "./owner-lock.ts"

// The lock excludes a second owner. Where it fails (a network file system, a lock file that was removed), the fence
// does: a file `fence-<token>` per owner, under a name that no other owner ever has. An opener makes its own, removes all
// others, and only then reads the log. An owner checks that its own exists before it writes, and again after it has
// synced and before it acknowledges. So what it acknowledges was synced before its fence was removed, thus before
// the next owner read. Decision 18 goes through the interleavings.

/** How long a deposed process waits for a document that its new owner still has. Doubles each time. */
export const DEPOSED_WAIT_MS = 5_000
export const DEPOSED_WAIT_MS_MAX = 300_000
/** Documents whose loss a process remembers; over it the oldest is forgotten. */
export const DEPOSED_MAX = 10_000

/** What one process knows of documents that were taken over from it. */
interface Losses {
  readonly byDirectory: Map<string, { times: number; untilMs: number }>
}

/** By `FsCalls`, which stands for the process: in a test each simulated process has its own. */
const losses = new WeakMap<FsCalls, Losses>()

export interface Fence {
  /** Part of all temporary names of this owner. */
  readonly token: string
  /** False from the moment at which another owner begins to open the directory. */
  stands(): Promise<boolean>
  /** @throws LOG_DEPOSED */
  check(): Promise<void>
  /** Another owner has taken over: this process waits, or two would depose each other forever. */
  noteLoss(): void
  /** A clean close: no call is under way, and the next owner may append where this one did. */
  lower(): Promise<void>
}

export interface Raised {
  readonly fence: Fence
  /** What the directory held when the fence was made, in one listing. */
  readonly names: readonly string[]
  /** Another owner did not close: it may still be running, whatever the lock says. */
  readonly isTakeover: boolean
}

/** Makes this opener the owner. @throws LOG_OWNED soon after another process deposed this one here and still runs */
export async function raiseFence(directory: string, calls: FsCalls, nowMs: () => number): Promise<Raised> {
  await keepAway(directory, calls, nowMs())
  const token = newToken()
  const path = join(directory, `fence-${token}`)
  const file = await calls.open(path, "w")
  // Its name alone matters. A full disk may have no room for content, and must still open for reads.
  await file.write(new TextEncoder().encode(`${signature()}\n`), 0).catch(() => {})
  await file.close()
  // Durable before others are removed: no power failure leaves the directory without any, as after a clean close.
  await calls.syncDirectory(directory)
  const names = await calls.list(directory)
  const others = names.filter((name) => FENCE.test(name) && name !== `fence-${token}`)
  for (const name of others) await calls.remove(join(directory, name))
  const fence = new FileFence({ directory, path, token, calls, nowMs })
  return { fence, names, isTakeover: others.length > 0 }
}

class FileFence implements Fence {
  readonly token: string
  readonly #directory: string
  readonly #path: string
  readonly #calls: FsCalls
  readonly #nowMs: () => number

  constructor(options: { directory: string; path: string; token: string; calls: FsCalls; nowMs: () => number }) {
    this.token = options.token
    this.#directory = options.directory
    this.#path = options.path
    this.#calls = options.calls
    this.#nowMs = options.nowMs
  }

  stands(): Promise<boolean> {
    return this.#calls.exists(this.#path)
  }

  async check(): Promise<void> {
    if (!(await this.stands())) throw new LfError("LOG_DEPOSED", `${this.#directory} has another owner`)
  }

  noteLoss(): void {
    const { byDirectory } = lossesOf(this.#calls)
    const times = (byDirectory.get(this.#directory)?.times ?? 0) + 1
    const waitMs = Math.min(DEPOSED_WAIT_MS * 2 ** (times - 1), DEPOSED_WAIT_MS_MAX)
    byDirectory.delete(this.#directory)
    byDirectory.set(this.#directory, { times, untilMs: this.#nowMs() + waitMs })
    for (const oldest of byDirectory.keys()) {
      if (byDirectory.size <= DEPOSED_MAX) break
      byDirectory.delete(oldest)
    }
  }

  async lower(): Promise<void> {
    if (await this.stands()) lossesOf(this.#calls).byDirectory.delete(this.#directory)
    await this.#calls.remove(this.#path)
  }
}

async function keepAway(directory: string, calls: FsCalls, nowMs: number): Promise<void> {
  const loss = losses.get(calls)?.byDirectory.get(directory)
  if (loss === undefined || nowMs >= loss.untilMs) return
  if (!(await calls.list(directory)).some((name) => FENCE.test(name))) return
  const seconds = Math.ceil((loss.untilMs - nowMs) / 1000)
  const holder = await holderOf(directory, calls)
  const why = "two servers write here and the file system's locks keep neither out; stop one of them"
  throw new LfError("LOG_OWNED", `${directory} was taken over by ${holder}: ${why}. Tried again in ${seconds} s`)
}

function lossesOf(calls: FsCalls): Losses {
  const known = losses.get(calls)
  if (known !== undefined) return known
  const made: Losses = { byDirectory: new Map() }
  losses.set(calls, made)
  return made
}
