import { closeSync, constants, openSync } from "node:fs"
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { tryLock, unlock } from "./kernel-lock.ts"

/** The disk operations that lf uses, few and named, so that a test can stop at each. */
export interface FsCalls {
  /** Creates it with all parents, for their owner alone (S23); succeeds when it exists. */
  makeDirectory(path: string): Promise<void>
  list(path: string): Promise<string[]>
  read(path: string): Promise<Uint8Array>
  /** "w" creates an empty file, for its owner alone (S23), "r+" opens an existing one. */
  open(path: string, flags: "w" | "r+"): Promise<FsFile>
  rename(from: string, to: string): Promise<void>
  /** Hard link. @throws EEXIST when the name is taken; others where hard links do not exist */
  link(from: string, to: string): Promise<void>
  /** Succeeds when it does not exist. */
  remove(path: string): Promise<void>
  /** Makes a directory's entries durable. */
  syncDirectory(path: string): Promise<void>
  /** Differs between two states of a file; null when it does not exist. */
  identity(path: string): Promise<string | null>
  /** Bypasses caches: on NFS a stat may be seconds old, while opening asks the server. */
  exists(path: string): Promise<boolean>
  /** Locks a file, created if missing, against every other opener; null: another opener has it. */
  lock(path: string): Promise<FsLock | null>
}

export interface FsFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Makes content and size durable. */
  datasync(): Promise<void>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

/** A file that is locked until `release` or the end of the process. */
export interface FsLock {
  /** Reads the file. Where locks are mandatory, only through the lock's own handle. */
  read(): Promise<Uint8Array>
  /** Replaces the file's content. */
  write(bytes: Uint8Array): Promise<void>
  release(): Promise<void>
}

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
/** Attempts to open a lock file that others remove or rename meanwhile. */
const LOCK_TRIES_MAX = 20

/** Keeps handles reachable: a collected one would be closed, and its lock released. */
const locked = new Set<FileHandle>()

export const nodeFsCalls: FsCalls = {
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  },
  list: (path) => readdir(path),
  read: async (path) => {
    const { buffer, byteOffset, length } = await readFile(path)
    // Not a Buffer: its slice() is a view where Uint8Array's is a copy.
    return new Uint8Array(buffer, byteOffset, length)
  },
  open: openFile,
  rename,
  link,
  remove: (path) => rm(path, { force: true }),
  syncDirectory: async (path) => {
    // Windows cannot open directories; NTFS journals its names itself.
    if (process.platform === "win32") return
    const directory = await open(path, "r")
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
  identity: async (path) => {
    try {
      const { ino, mtimeNs } = await stat(path, { bigint: true })
      // Inode numbers are reused at once, hence the time.
      return `${ino}/${mtimeNs}`
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null
      throw error
    }
  },
  // Asked twice for every flush, of a name that the kernel has at hand: two trips to Node's threads would cost more than it does.
  exists: async (path) => {
    try {
      closeSync(openSync(path, "r"))
      return true
    } catch (error) {
      // ESTALE: a network file system's code for a file that another machine removed.
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESTALE") return false
      throw error
    }
  },
  lock: lockFile,
}

/** "ENOSPC" and the like; undefined unless it is a system error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
}

async function openFile(path: string, flags: "w" | "r+"): Promise<FsFile> {
  const handle = await open(path, flags, FILE_MODE)
  return {
    write: (bytes, position) => writeAll(handle, bytes, position),
    datasync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    close: () => handle.close(),
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

async function lockFile(path: string): Promise<FsLock | null> {
  for (let tries = 0; tries < LOCK_TRIES_MAX; tries++) {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE)
    let isOurs = false
    try {
      if (!tryLock(handle.fd)) return null
      // Removed or renamed since it was opened, it excludes no one: the next opener makes another.
      isOurs = await hasName(handle, path)
    } finally {
      if (!isOurs) await handle.close()
    }
    if (isOurs) return held(handle)
  }
  return null
}

async function hasName(handle: FileHandle, path: string): Promise<boolean> {
  const { ino, dev } = await handle.stat({ bigint: true })
  try {
    const named = await stat(path, { bigint: true })
    return named.ino === ino && named.dev === dev
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false
    throw error
  }
}

function held(handle: FileHandle): FsLock {
  locked.add(handle)
  return {
    read: async () => {
      const { size } = await handle.stat()
      const { buffer, bytesRead } = await handle.read(new Uint8Array(size), 0, size, 0)
      return buffer.subarray(0, bytesRead)
    },
    write: async (bytes) => {
      await handle.truncate(0)
      await writeAll(handle, bytes, 0)
    },
    release: async () => {
      locked.delete(handle)
      // A starting child of this process has a copy of the open file, so closing ours would not release the lock yet.
      unlock(handle.fd)
      await handle.close()
    },
  }
}
