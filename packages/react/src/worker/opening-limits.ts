import { LfError } from "@lf/core"
import type { Cancel, Host } from "@lf/core/internal"
import { noPlace, PLACE_MS_MAX } from "./document-pool.ts"

/** A document whose lock another worker keeps for so long cannot be opened now: callers get an error (H3). */
export const OWNED_MS_MAX = 10_000
/** The same for a document that is not open after so long for any other reason. Opening continues. */
const OPEN_MS_MAX = 60_000

export interface OpeningLimits<T> {
  readonly host: Host
  readonly opening: Promise<T>
  /** When the document got its place among the open ones; null: it waits for one. */
  placedMs(): number | null
  isOwned(): boolean
  onLate(error: LfError): void
  /** It was late, and is open after all. */
  onRecovered(): void
}

/** As `opening`, and rejects when that takes too long. @throws LOG_OWNED DOCS_OPEN_LIMIT WORKER_FAILED */
export function withinLimits<T>(limits: OpeningLimits<T>): Promise<T> {
  const { host, opening, placedMs, isOwned, onLate, onRecovered } = limits
  const inTime = new Promise<T>((resolve, reject) => {
    const cancels: Cancel[] = []
    const end = () => {
      for (const cancel of cancels) cancel()
    }
    const late = (error: LfError) => {
      end()
      onLate(error)
      reject(error)
      opening.then(onRecovered, () => {}) // it was reported already
    }
    const lookAtOwner = () => {
      if (isOwned()) return
      const placed = placedMs()
      const waitedMs = placed === null ? 0 : host.monotonicMs() - placed
      if (waitedMs < OWNED_MS_MAX) cancels.push(host.after(OWNED_MS_MAX - waitedMs, lookAtOwner))
      else late(ownedElsewhere())
    }
    const lookAtPlace = () => {
      if (placedMs() === null) late(noPlace())
    }
    const lookAtAll = () => late(new LfError("WORKER_FAILED", `the document is not open after ${OPEN_MS_MAX / 1000} s`))
    cancels.push(
      host.after(PLACE_MS_MAX, lookAtPlace),
      host.after(OWNED_MS_MAX, lookAtOwner),
      host.after(OPEN_MS_MAX, lookAtAll),
    )
    opening.then(resolve, reject).finally(end)
  })
  inTime.catch(() => {}) // its callers get the error
  return inTime
}

export function ownedElsewhere(): LfError {
  return new LfError("LOG_OWNED", "another version of this page keeps the document and does not let go of it")
}
