import { createRequire } from "node:module"
import { LfError } from "@lf/core"

/** The functions used of fs-native-extensions: OFD locks on Linux, flock on macOS, LockFileEx on Windows. */
interface Binding {
  /** Length 0: the whole file. @throws EAGAIN when another open file has it */
  tryLock(fd: number, offset: number, length: number, isExclusive: boolean): void
  unlock(fd: number, offset: number, length: number): void
}

let binding: Binding | undefined

/**
 * Locks an open file as a whole against every other open file, in this process and in all others of the same kernel. The
 * lock belongs to the open file, not to a process id: it ends when `fd` is closed, also by a kill. False: it is taken.
 * @throws LOG_FAILED without a binary for this platform, or on a file system that has no locks
 */
export function tryLock(fd: number): boolean {
  binding ??= load(`${process.platform}-${process.arch}`)
  try {
    binding.tryLock(fd, 0, 0, true)
    return true
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EAGAIN") return false
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new LfError("LOG_FAILED", `this file system cannot lock a file (${why}); keep LF_DATA_DIR on a local disk`, {
      cause,
    })
  }
}

/** Releases a lock at once, also when children have copies of the open file. If this fails, closing releases it. */
export function unlock(fd: number): void {
  try {
    binding?.unlock(fd, 0, 0)
  } catch {
    // Closing releases it as well.
  }
}

/**
 * The binary itself, not the package's loader, which looks for another name on Alpine, where this binary loads as well
 * (musl has all that it calls). A bundle may be where the package is not found; then it is found from the app's folder.
 * @throws LOG_FAILED
 */
export function load(platform: string, places: readonly string[] = [`${process.cwd()}/package.json`]): Binding {
  try {
    return loadBesideThis(platform)
  } catch (first) {
    let cause = first
    for (const place of places) {
      try {
        return createRequire(place)(`fs-native-extensions/prebuilds/${platform}/fs-native-extensions.node`)
      } catch (error) {
        cause = error
      }
    }
    const remedy = "run `npm ci` on this machine, on Linux, macOS or Windows with x64 or arm64"
    throw new LfError("LOG_FAILED", `the file lock of fs-native-extensions did not load on ${platform}; ${remedy}`, {
      cause,
    })
  }
}

/** Full names, one by one: the file tracing of `output: "standalone"` reads them here without running anything. */
function loadBesideThis(platform: string): Binding {
  const require = createRequire(import.meta.url)
  switch (platform) {
    case "linux-x64":
      return require("fs-native-extensions/prebuilds/linux-x64/fs-native-extensions.node")
    case "linux-arm64":
      return require("fs-native-extensions/prebuilds/linux-arm64/fs-native-extensions.node")
    case "darwin-x64":
      return require("fs-native-extensions/prebuilds/darwin-x64/fs-native-extensions.node")
    case "darwin-arm64":
      return require("fs-native-extensions/prebuilds/darwin-arm64/fs-native-extensions.node")
    case "win32-x64":
      return require("fs-native-extensions/prebuilds/win32-x64/fs-native-extensions.node")
    case "win32-arm64":
      return require("fs-native-extensions/prebuilds/win32-arm64/fs-native-extensions.node")
    default:
      throw new Error(`no binary for ${platform}`)
  }
}
