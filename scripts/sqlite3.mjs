// Where the SQLite shell is that the sql proof compares with, installed if need be.
import { existsSync } from "node:fs"
import { run, say } from "./run.mjs"

/** The path of a `sqlite3`. @throws when there is none and none can be installed */
export async function findSqlite3() {
  const asked = process.env.LF_SQLITE3
  if (asked) {
    if (!existsSync(asked)) throw new Error(`LF_SQLITE3 is ${asked}, but there is no such file.`)
    return asked
  }
  const found = await which()
  if (found) return found

  const isRoot = process.getuid?.() === 0
  if (isRoot && existsSync("/etc/debian_version")) {
    say("installing the SQLite shell (apt-get install sqlite3)")
    await run("apt-get", ["update", "-q"])
    const env = { DEBIAN_FRONTEND: "noninteractive" }
    const { code } = await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", "sqlite3"], { env })
    const installed = code === 0 ? await which() : undefined
    if (installed) return installed
  }
  throw new Error(
    "No sqlite3 was found and none could be installed: install it (on Debian: apt-get install sqlite3) or set LF_SQLITE3 to its path.",
  )
}

async function which() {
  const { code, output } = await run("sh", ["-c", "command -v sqlite3"], { quiet: true })
  return code === 0 && output.trim() ? output.trim() : undefined
}
