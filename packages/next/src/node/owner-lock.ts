import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import { join } from "node:path"
import { type ErrorCode, LfError } from "@lf/core"
import { remoteFileSystem } from "./file-system.ts"
import { errnoOf, type FsCalls, type FsLock, nodeFsCalls } from "./fs-calls.ts"

// Who owns a directory is decided by the kernel: `owner.lock` is open and locked by its owner as long as the owner lives,
// and the file is never removed (who had opened it before the removal and who makes it anew would both have a lock). No
// process id is compared: two containers may have the same ones, a copied directory has another's, and ids come again.

const LOCK_FILE = "owner.lock"
/** How often what is no file is moved out of the lock file's place. */
const MOVES_MAX = 3
/** More is no line of ours. */
const SIGNATURE_BYTES_MAX = 400
const SIGNATURE = /^process \d+ on \S+, since \S+$/

/** The names of fences: see fence.ts. */
export const FENCE = /^fence-([0-9a-f]{32})$/

/** Holds a directory against other processes and against a second opener in this one. */
export interface OwnerLock {
  /** The file held a process id: an owner of the older format, which went by those, did not close and may even live. */
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
    // It only makes a refusal's message better, and a full disk has no room for it.
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

/** "process 12 on web-1, since 2025-06-01T10:00:00.000Z": this process, for those that find its mark. */
export function signature(): string {
  return `process ${process.pid} on ${hostname().replaceAll(/\s/g, "-") || "?"}, since ${new Date().toISOString()}`
}

/** 128 bits of hexadecimal digits, for names that no other process may make. */
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
      // Docker makes a directory of whatever is mounted and not there.
      if (errnoOf(error) !== "EISDIR" || moves >= MOVES_MAX) throw error
      await calls.rename(path, `${path}.aside-${newToken()}`)
      continue
    }
    const remedy =
      ownedCode === "SERVER_DIRECTORY_OWNED" ? "stop it, or set LF_DATA_DIR to another directory" : "stop it first"
    throw new LfError(ownedCode, `${directory} is in use by ${await holderOf(directory, calls)}; ${remedy}`)
  }
}

/** The process that has a directory, as its marks say; it only makes a message better, so it never fails. */
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

/** In the form of the server's other lines: see log.ts. */
function writeWarning(line: string): void {
  process.stderr.write(`lf: warn directory-remote detail=${JSON.stringify(line)}\n`)
}
