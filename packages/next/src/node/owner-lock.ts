import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import { join } from "node:path"
import { type ErrorCode, LfError } from "@lf/core"
import { remoteFileSystem } from "./file-system.ts"
import { errnoOf, type FsCalls, type FsLock, nodeFsCalls } from "./fs-calls.ts"

// The kernel decides the owner of a directory: `owner.lock` is open and locked by its owner while that runs,
// and the file is never removed (an opener from before the removal and one that makes it again would both have a lock).
// No process id is compared: containers share ids, a copied directory has another machine's, and ids are reused.

const LOCK_FILE = "owner.lock"
/** Attempts to move what is no file out of the lock file's place. */
const MOVES_MAX = 3
/** A longer line is not lf's. */
const SIGNATURE_BYTES_MAX = 400
const SIGNATURE = /^process \d+ on \S+, since \S+$/

/** The names of fences: see fence.ts. */
export const FENCE = /^fence-([0-9a-f]{32})$/

/** Holds a directory against other processes and against a second opener in this one. */
export interface OwnerLock {
  /** The file held a process id: an owner of the older format, which went by those, did not close and may still run. */
  readonly wasMarked: boolean
  /** Empties the file. An owner of the older format notices at its next append, and stops. */
  clearMark(): Promise<void>
  release(): Promise<void>
}

/**
 * One server process per data directory. `warn` gets one line for the operator when the directory is on a file system
 * that may not keep it so. @throws SERVER_DIRECTORY_OWNED
 */
export async function acquireDirectory(
  directory: string,
  warn: (line: string) => void = writeWarning,
): Promise<{ release(): Promise<void> }> {
  await nodeFsCalls.makeDirectory(directory)
  const lock = await lockIn(directory, "SERVER_DIRECTORY_OWNED", nodeFsCalls)
  try {
    // The mark only improves a refusal's message, and a full disk has no room for it.
    await lock.write(new TextEncoder().encode(`${signature()}\n`)).catch(() => {})
    const fileSystem = await remoteFileSystem(directory)
    if (fileSystem !== null) warn(warningOf(directory, fileSystem))
    return lock
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The lock of an existing directory, such as a document's. @throws `ownedCode`; ENOENT when there is no directory */
export async function acquireLock(directory: string, ownedCode: ErrorCode, calls: FsCalls): Promise<OwnerLock> {
  const lock = await lockIn(directory, ownedCode, calls)
  try {
    const wasMarked = (await lock.read()).length > 0
    return { wasMarked, clearMark: () => lock.write(new Uint8Array(0)), release: () => lock.release() }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** "process 12 on web-1, since 2025-06-01T10:00:00.000Z": this process, as others read it in its mark. */
export function signature(): string {
  return `process ${process.pid} on ${hostname().replaceAll(/\s/g, "-") || "?"}, since ${new Date().toISOString()}`
}

/** 128 random bits in hexadecimal, for names that no other process makes. */
export function newToken(): string {
  return randomBytes(16).toString("hex")
}

async function lockIn(directory: string, ownedCode: ErrorCode, calls: FsCalls): Promise<FsLock> {
  const path = join(directory, LOCK_FILE)
  for (let moves = 0; ; moves++) {
    try {
      const lock = await calls.lock(path)
      if (lock !== null) return lock
    } catch (error) {
      // Docker makes a directory for a mount that does not exist.
      if (errnoOf(error) !== "EISDIR" || moves >= MOVES_MAX) throw error
      await calls.rename(path, `${path}.aside-${newToken()}`)
      continue
    }
    const remedy =
      ownedCode === "SERVER_DIRECTORY_OWNED" ? "stop it, or set LF_DATA_DIR to another directory" : "stop it first"
    throw new LfError(ownedCode, `${directory} is in use by ${await holderOf(directory, calls)}; ${remedy}`)
  }
}

/** The process that owns a directory, from its marks. For messages only, so it never fails. */
export async function holderOf(directory: string, calls: FsCalls): Promise<string> {
  const names = await calls.list(directory).catch(() => [])
  for (const name of names) {
    if (name !== LOCK_FILE && !FENCE.test(name)) continue
    const bytes = await calls.read(join(directory, name)).catch(() => new Uint8Array(0))
    const line = new TextDecoder().decode(bytes.subarray(0, SIGNATURE_BYTES_MAX)).trim()
    if (SIGNATURE.test(line)) return line
  }
  return "another process, or twice by this one"
}

export function warningOf(directory: string, fileSystem: string): string {
  return `${directory} is on ${fileSystem}: supported are local file systems, where the kernel keeps a second server out; move LF_DATA_DIR to a local disk, or let one machine alone use it`
}

/** In the form of the server's log lines: see log.ts. */
function writeWarning(line: string): void {
  process.stderr.write(`lf: warn directory-remote detail=${JSON.stringify(line)}\n`)
}
