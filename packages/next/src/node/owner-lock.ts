import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { type ErrorCode, LfError } from "@lf/core"
import { errnoOf, type FsCalls, nodeFsCalls } from "./fs-calls.ts"

const LOCK_FILE = "owner.lock"
const ATTEMPTS_MAX = 20
const TAKEOVER_DEPTH_MAX = 3
/** A lock file without content is one that is being written, or whose writer died between two calls. */
const EMPTY_PATIENCE_MS = 500
const POLL_MS = 20

/** It does not change while this process lives. */
let ownClaim: Promise<string> | undefined

/** Holds a directory against other processes and against a second opener in this one. */
export interface OwnerLock {
  /** False once somebody else took over, who thought this process dead (I14). */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

/** One server process per data directory. @throws SERVER_DIRECTORY_OWNED */
export async function acquireDirectory(directory: string): Promise<{ release(): Promise<void> }> {
  await nodeFsCalls.makeDirectory(directory)
  return acquireLock(directory, "SERVER_DIRECTORY_OWNED", nodeFsCalls)
}

/** The lock of an existing directory; that of a dead process is taken over. @throws `ownedCode` */
export async function acquireLock(directory: string, ownedCode: ErrorCode, calls: FsCalls): Promise<OwnerLock> {
  ownClaim ??= processStart(process.pid).then((start) => `${process.pid} ${start}\n`)
  const claim = await ownClaim
  const lock = await tryLock(join(directory, LOCK_FILE), claim, calls)
  if (lock === null) throw new LfError(ownedCode, `${directory} is in use by another process, or twice in this one`)
  return lock
}

/**
 * Null when a living process has it. A dead one's lock is removed only by who holds the lock's own takeover lock, which
 * is won in the same way: so of several who see it dead, none removes what another has just made.
 */
async function tryLock(path: string, claim: string, calls: FsCalls, depth = 0): Promise<OwnerLock | null> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const lock = await createLock(path, claim, calls)
    if (lock !== null) return lock
    const holder = await holderOf(path, calls)
    if (holder === "alive") return null
    if (holder === "none") continue
    const takeover = depth < TAKEOVER_DEPTH_MAX ? await tryLock(`${path}.takeover`, claim, calls, depth + 1) : null
    if (takeover === null) {
      await setTimeout(POLL_MS)
      continue
    }
    try {
      if ((await holderOf(path, calls)) === "dead") await calls.remove(path)
    } finally {
      await takeover.release()
    }
  }
  return null
}

/** Null when the name is taken. */
async function createLock(path: string, claim: string, calls: FsCalls): Promise<OwnerLock | null> {
  let identity: string
  try {
    const file = await calls.open(path, "wx")
    try {
      await file.write(new TextEncoder().encode(claim), 0)
      identity = await file.identity()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return null
    throw error
  }
  const isHeld = async () => (await calls.identity(path)) === identity
  const release = async () => {
    if (await isHeld()) await calls.remove(path)
  }
  // Written so slowly that it was taken for dead: not ours.
  return (await isHeld()) ? { isHeld, release } : null
}

async function holderOf(path: string, calls: FsCalls): Promise<"none" | "dead" | "alive"> {
  const claim = await readClaim(path, calls)
  if (claim === null) return "none"
  return (await isClaimAlive(claim)) ? "alive" : "dead"
}

async function readClaim(path: string, calls: FsCalls): Promise<string | null> {
  let waitedMs = 0
  for (;;) {
    try {
      const claim = new TextDecoder().decode(await calls.read(path))
      if (claim.endsWith("\n") || waitedMs >= EMPTY_PATIENCE_MS) return claim
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null
      throw error
    }
    await setTimeout(POLL_MS)
    waitedMs += POLL_MS
  }
}

async function isClaimAlive(claim: string): Promise<boolean> {
  const [pidText, start] = claim.trim().split(" ")
  const pid = Number(pidText)
  if (!Number.isSafeInteger(pid) || pid < 1) return false
  if (!isProcessAlive(pid)) return false
  const startNow = await processStart(pid)
  // A process id is given out again: only the same start makes it the same process.
  return startNow === "?" || start === "?" || startNow === start
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return errnoOf(error) === "EPERM"
  }
}

/** When a process started, since which boot; "dead" for a zombie, "?" where there is no /proc. */
async function processStart(pid: number): Promise<string> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "latin1"),
      readFile("/proc/sys/kernel/random/boot_id", "latin1"),
    ])
    // The name in parentheses may hold anything; the third field follows the last ")". The 22nd is the start.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" || fields[0] === "X" ? "dead" : `${boot.trim()}/${fields[19]}`
  } catch {
    return "?"
  }
}
