import type { FsCalls, FsFile, FsLock } from "../../../packages/next/src/node/fs-calls.ts"

const EMPTY = new Uint8Array(0)

/** A folder in memory, without power failures: only what is in its files matters here. */
export class FolderCalls implements FsCalls {
  readonly files = new Map<string, Uint8Array>()

  async makeDirectory(): Promise<void> {}

  async list(path: string): Promise<string[]> {
    return Array.from(this.files.keys(), (name) => name.slice(path.length + 1))
  }

  async read(path: string): Promise<Uint8Array> {
    const bytes = this.files.get(path)
    if (bytes === undefined) throw Object.assign(new Error(path), { code: "ENOENT" })
    return bytes.slice()
  }

  async open(path: string, flags: "w" | "r+"): Promise<FsFile> {
    if (flags !== "r+") this.files.set(path, EMPTY)
    return {
      write: async (bytes, position) => {
        const old = await this.read(path)
        const grown = new Uint8Array(Math.max(old.length, position + bytes.length))
        grown.set(old)
        grown.set(bytes, position)
        this.files.set(path, grown)
      },
      datasync: async () => {},
      truncate: async (length) => {
        this.files.set(path, (await this.read(path)).slice(0, length))
      },
      close: async () => {},
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.files.set(to, await this.read(from))
    this.files.delete(from)
  }

  async link(from: string, to: string): Promise<void> {
    if (this.files.has(to)) throw Object.assign(new Error(to), { code: "EEXIST" })
    this.files.set(to, await this.read(from))
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path)
  }

  async syncDirectory(): Promise<void> {}

  async identity(path: string): Promise<string | null> {
    return this.files.has(path) ? path : null
  }

  async exists(path: string): Promise<boolean> {
    return this.files.has(path)
  }

  async lock(path: string): Promise<FsLock> {
    this.files.set(path, this.files.get(path) ?? EMPTY)
    return {
      read: () => this.read(path),
      write: async (bytes) => {
        this.files.set(path, bytes.slice())
      },
      release: async () => {},
    }
  }
}
