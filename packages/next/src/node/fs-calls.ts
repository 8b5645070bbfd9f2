import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises"

/** The disk operations that lf uses, few and named, so that a test can stop at each of them. */
export interface FsCalls {
  /** With all its parents; fine when it exists. */
  makeDirectory(path: string): Promise<void>
  list(path: string): Promise<string[]>
  read(path: string): Promise<Uint8Array>
  /** "wx" makes a new file or fails with EEXIST, "w" an empty one, "r+" opens what is there. */
  open(path: string, flags: "wx" | "w" | "r+"): Promise<FsFile>
  rename(from: string, to: string): Promise<void>
  /** Fine when it is gone already. */
  remove(path: string): Promise<void>
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Tells one file from another that takes its name later; null when there is none. */
  identity(path: string): Promise<string | null>
}

export interface FsFile {
  /** All of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Content and size are durable. */
  datasync(): Promise<void>
  truncate(length: number): Promise<void>
  /** As `FsCalls.identity` tells it while nothing is written. */
  identity(): Promise<string>
  close(): Promise<void>
}

export const nodeFsCalls: FsCalls = {
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true })
  },
  list: (path) => readdir(path),
  read: async (path) => {
    const { buffer, byteOffset, length } = await readFile(path)
    // Not a Buffer: its slice() is a view where everybody else's is a copy.
    return new Uint8Array(buffer, byteOffset, length)
  },
  open: openFile,
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory: async (path) => {
    // Windows opens no directories; NTFS journals its names itself.
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
      return identityOf(await stat(path, { bigint: true }))
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null
      throw error
    }
  },
}

/** "ENOSPC" and the like; undefined for what is no error of the system. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
}

async function openFile(path: string, flags: "wx" | "w" | "r+"): Promise<FsFile> {
  const handle = await open(path, flags)
  return {
    write: async (bytes, position) => {
      let done = 0
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
        done += bytesWritten
      }
    },
    datasync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    identity: async () => identityOf(await handle.stat({ bigint: true })),
    close: () => handle.close(),
  }
}

// Inode numbers are given out again at once, hence the time.
function identityOf({ ino, mtimeNs }: { ino: bigint; mtimeNs: bigint }): string {
  return `${ino}/${mtimeNs}`
}
