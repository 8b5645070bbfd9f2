import type { Cancel } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"

/** How long a query waits for an `<LfProvider>` of its document: one in a suspended tree may commit late (H3). */
const PROVIDER_MS_MAX = 10_000

/** Calls `onMissing` when queries have waited PROVIDER_MS_MAX for a provider. */
export class ProviderDeadline {
  readonly #onMissing: () => void
  #cancel: Cancel | null = null

  constructor(onMissing: () => void) {
    this.#onMissing = onMissing
  }

  /** `isMissing`: a query is there, and no provider has committed. */
  look(isMissing: boolean): void {
    if (isMissing) this.#cancel ??= browserHost.after(PROVIDER_MS_MAX, this.#onMissing)
    else this.stop()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}
