import type { FsCalls, FsFile, FsLock } from "../node/fs-calls.ts"

/** The crash: a kill keeps the cache; a power failure keeps what was synced and only this besides. */
export const LOSSES = [
  "process killed",
  "all lost",
  "names kept, data lost",
  "last name kept",
  "half lost",
  "prefix kept",
] as const
export type Loss = (typeof LOSSES)[number]

const NONE = new Uint8Array(0)

interface Inode {
  readonly id: number
  changes: number
  data: Uint8Array
  /** What the disk has, and which parts of `data` the cache would write to it. */
  synced: Uint8Array
  dirty: { readonly at: number; readonly bytes: Uint8Array }[]
}

/** A directory in memory that stops at its n-th call and forgets what was not synced. */
export class CrashDisk {
  calls = 0
  stopAt = Number.POSITIVE_INFINITY
  /** What the n-th call throws; null: the machine stops, and every later call throws too. */
  failWith: string | null = null
  /** How many unsynced bytes of a file remain after "prefix kept". */
  keep: (bytes: number) => number = (bytes) => bytes >> 1
  /** Locks of this disk are granted to every asker, as a network file system may do. */
  isLockFree = false
  readonly #locked = new Set<Inode>()
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #nameChanges: ((names: Map<string, Inode>) => void)[] = []
  #nextId = 1

  reboot(loss: Loss): void {
    if (loss !== "process killed") {
      const changes = this.#nameChanges
      if (loss === "last name kept") changes.at(-1)?.(this.#durableNames)
      else if (loss === "names kept, data lost" || loss === "prefix kept")
        for (const change of changes) change(this.#durableNames)
      else if (loss === "half lost")
        for (const change of changes.slice(0, changes.length >> 1)) change(this.#durableNames)
      this.#names = new Map(this.#durableNames)
      for (const inode of this.#names.values()) survive(inode, loss, this.keep)
      this.#nameChanges = []
    }
    // Its owner was killed.
    this.#locked.clear()
    this.calls = 0
    this.stopAt = Number.POSITIVE_INFINITY
    this.failWith = null
  }

  readonly fs: FsCalls = {
    makeDirectory: async () => this.#call(),
    list: async (path) => {
      this.#call()
      return [...this.#names.keys()].map((name) => name.slice(path.length + 1))
    },
    read: async (path) => {
      this.#call()
      return this.#inode(path).data.slice()
    },
    open: async (path, flags) => {
      this.#call()
      return this.#file(flags === "r+" ? this.#inode(path) : this.#made(path))
    },
    rename: async (from, to) => {
      this.#call()
      const inode = this.#inode(from)
      this.#rename((names) => {
        names.delete(from)
        names.set(to, inode)
      })
    },
    link: async (from, to) => {
      this.#call()
      const inode = this.#inode(from)
      if (this.#names.has(to)) throw errno("EEXIST")
      this.#rename((names) => names.set(to, inode))
    },
    remove: async (path) => {
      this.#call()
      this.#rename((names) => names.delete(path))
    },
    syncDirectory: async () => {
      this.#call()
      this.#durableNames = new Map(this.#names)
      this.#nameChanges = []
    },
    identity: async (path) => {
      this.#call()
      const inode = this.#names.get(path)
      return inode === undefined ? null : `${inode.id}/${inode.changes}`
    },
    exists: async (path) => {
      this.#call()
      return this.#names.has(path)
    },
    lock: async (path) => {
      this.#call()
      const inode = this.#names.get(path) ?? this.#made(path)
      if (this.#locked.has(inode) && !this.isLockFree) return null
      this.#locked.add(inode)
      return this.#lock(inode)
    },
  }

  #made(path: string): Inode {
    const inode = this.#names.get(path) ?? { id: this.#nextId++, changes: 0, data: NONE, synced: NONE, dirty: [] }
    inode.data = NONE
    inode.dirty = []
    this.#rename((names) => names.set(path, inode))
    return inode
  }

  #lock(inode: Inode): FsLock {
    const file = this.#file(inode)
    return {
      read: async () => inode.data.slice(),
      write: async (bytes) => {
        await file.truncate(0)
        await file.write(bytes, 0)
      },
      release: async () => {
        this.#locked.delete(inode)
        await file.close()
      },
    }
  }

  #file(inode: Inode): FsFile {
    return {
      write: async (bytes, position) => {
        const written = this.#dies() ? bytes.subarray(0, bytes.length >> 1) : bytes
        inode.data = overwrite(inode.data, position, written)
        inode.changes++
        inode.dirty.push({ at: position, bytes: written.slice() })
        this.#call()
      },
      datasync: async () => {
        const dirty = inode.dirty
        // After a failed sync the cache counts as clean: syncing again would write nothing (T19).
        inode.dirty = []
        this.#call()
        for (const { at, bytes } of dirty) inode.synced = overwrite(inode.synced, at, bytes)
        inode.synced = inode.synced.slice(0, inode.data.length)
      },
      truncate: async (length) => {
        this.#call()
        inode.data = inode.data.slice(0, length)
        inode.changes++
      },
      close: async () => {
        if (this.failWith === null) this.#call()
      },
    }
  }

  #dies(): boolean {
    return this.calls + 1 === this.stopAt
  }

  #call(): void {
    this.calls++
    if (this.failWith !== null && this.calls === this.stopAt) throw errno(this.failWith)
    if (this.failWith === null && this.calls >= this.stopAt) throw errno("CRASH")
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw errno("ENOENT")
    return inode
  }

  #rename(change: (names: Map<string, Inode>) => void): void {
    change(this.#names)
    this.#nameChanges.push(change)
  }
}

function survive(inode: Inode, loss: Loss, keep: (bytes: number) => number): void {
  if (loss === "prefix kept") {
    let left = keep(inode.dirty.reduce((sum, { bytes }) => sum + bytes.length, 0))
    for (const { at, bytes } of inode.dirty) {
      const kept = bytes.subarray(0, left)
      if (kept.length > 0) inode.synced = overwrite(inode.synced, at, kept)
      left -= kept.length
    }
  }
  if (loss === "half lost") {
    // The size may grow before the bytes arrive: then there are zeros.
    const size = Math.max(inode.synced.length, inode.data.length)
    for (const { at, bytes } of inode.dirty) {
      inode.synced = overwrite(inode.synced, at, bytes.subarray(0, bytes.length >> 1))
    }
    inode.synced = overwrite(inode.synced, size, NONE)
  }
  inode.data = inode.synced
  inode.dirty = []
}

function overwrite(data: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.max(data.length, at + bytes.length))
  result.set(data)
  result.set(bytes, at)
  return result
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code })
}
