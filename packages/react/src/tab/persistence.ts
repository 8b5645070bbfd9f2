/** Whether the browser removes this site's data when it is short of space. One for the page. */
export class Persistence {
  readonly #watchers = new Set<() => void>()
  #isPersistent: boolean | null = null
  #hasAsked = false

  /** Null: not known, or the browser does not say. */
  get isPersistent(): boolean | null {
    return this.#isPersistent
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    void this.#look()
    return () => void this.#watchers.delete(watcher)
  }

  /** Firefox shows a question, other browsers decide by themselves. Resolves to whether the data is kept. */
  async ask(): Promise<boolean> {
    this.#hasAsked = true
    try {
      this.#become((await storage()?.persist?.()) ?? false)
    } catch {
      // It stays as it was.
    }
    return this.#isPersistent ?? false
  }

  /** Changes wait that exist on this device alone: asks once per page, unless the app has asked. */
  askForWaiting(): void {
    if (!this.#hasAsked && storage()?.persist !== undefined) void this.ask()
  }

  async #look(): Promise<void> {
    try {
      const isPersistent = await storage()?.persisted?.()
      if (isPersistent !== undefined) this.#become(isPersistent)
    } catch {
      // It stays unknown.
    }
  }

  #become(isPersistent: boolean): void {
    if (isPersistent === this.#isPersistent) return
    this.#isPersistent = isPersistent
    for (const watcher of [...this.#watchers]) watcher()
  }
}

export const persistence = new Persistence()

/** Not there on a server, at an insecure address, or in an old browser. */
function storage(): Partial<StorageManager> | undefined {
  return typeof navigator === "undefined" ? undefined : navigator.storage
}
