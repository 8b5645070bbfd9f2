import type { Cancel } from "../base/host.ts"

interface Watch {
  readonly pages: ReadonlySet<number>
  readonly onChanged: () => void
}

/** Reads whose callers want to know when they would have other rows: each is called once, when a page of it has changed. */
export class PageWatches {
  readonly #byPage = new Map<number, Set<Watch>>()
  readonly #all = new Set<Watch>()

  get size(): number {
    return this.#all.size
  }

  /** Returns its undo. */
  add(pages: ReadonlySet<number>, onChanged: () => void): Cancel {
    const watch = { pages, onChanged }
    this.#all.add(watch)
    for (const pageNo of pages) {
      const watches = this.#byPage.get(pageNo) ?? new Set()
      this.#byPage.set(pageNo, watches.add(watch))
    }
    return () => this.#remove(watch)
  }

  /** These pages have other content, durably. */
  notify(changed: ReadonlySet<number>): void {
    if (this.#all.size === 0) return
    const due = new Set<Watch>()
    for (const pageNo of changed) for (const watch of this.#byPage.get(pageNo) ?? []) due.add(watch)
    this.#call(due)
  }

  /** The document ends: who reads again finds out why. */
  end(): void {
    this.#call([...this.#all])
  }

  #call(due: Iterable<Watch>): void {
    for (const watch of due) {
      this.#remove(watch)
      watch.onChanged()
    }
  }

  #remove(watch: Watch): void {
    if (!this.#all.delete(watch)) return
    for (const pageNo of watch.pages) {
      const watches = this.#byPage.get(pageNo)
      if (watches?.delete(watch) && watches.size === 0) this.#byPage.delete(pageNo)
    }
  }
}
