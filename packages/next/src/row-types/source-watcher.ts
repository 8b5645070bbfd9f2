import { type FSWatcher, statSync, watch } from "node:fs"
import { isSourceName, sourceDirectories, unlessGone } from "./app-sources.ts"

/**
 * Watches the directories with an app's sources one by one. A recursive watch of Node on Linux takes a handle of the system
 * for every file and directory, those of node_modules among them: 32,702 in a scaffolded app, which has 17 such directories.
 */
export class SourceWatcher {
  readonly #directory: string
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()

  /** Watches from the first `refresh` on. */
  constructor(directory: string, onChange: () => void) {
    this.#directory = directory
    this.#onChange = onChange
  }

  /** Watches directories that are new, and no longer those that are gone. Returns whether any came or went. */
  refresh(): boolean {
    const found = new Map(sourceDirectories(this.#directory).map((path) => [keyOf(path), path]))
    const gone = [...this.#watchers.keys()].filter((key) => !found.has(key))
    const come = [...found].filter(([key]) => !this.#watchers.has(key))
    for (const key of gone) this.#close(key)
    for (const [key, path] of come) this.#watch(key, path)
    return gone.length > 0 || come.length > 0
  }

  close(): void {
    for (const key of [...this.#watchers.keys()]) this.#close(key)
  }

  #watch(key: string, path: string): void {
    const onEvent = (event: string, name: string | null) => {
      // Another name may be a directory's.
      if (name === null || isSourceName(name) || (event === "rename" && this.refresh())) this.#onChange()
    }
    const watcher = unlessGone(() => watch(path, onEvent))
    if (watcher === null) return
    // Where the system says so: the directory is gone.
    watcher.on("error", () => this.#close(key))
    this.#watchers.set(key, watcher)
  }

  #close(key: string): void {
    this.#watchers.get(key)?.close()
    this.#watchers.delete(key)
  }
}

/** A directory that was removed and made again under its name is another one. */
function keyOf(path: string): string {
  return `${statSync(path, { throwIfNoEntry: false })?.ino} ${path}`
}
