// System programs that some tests use: found, or installed where that is possible.
import { existsSync } from "node:fs"
import { run, say } from "./run.mjs"

/** The path of `name`, which Debian has in a package of the same name. @throws when there is none */
export async function findTool(name) {
  const variable = `LF_${name.toUpperCase()}`
  const asked = process.env[variable]
  if (asked) {
    if (!existsSync(asked)) throw new Error(`${variable} is ${asked}, but there is no such file.`)
    return asked
  }
  const found = await which(name)
  if (found) return found

  const isRoot = process.getuid?.() === 0
  if (isRoot && existsSync("/etc/debian_version")) {
    say(`installing ${name} (apt-get install ${name})`)
    await run("apt-get", ["update", "-q"])
    const env = { DEBIAN_FRONTEND: "noninteractive" }
    const { code } = await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", name], { env })
    const installed = code === 0 ? await which(name) : undefined
    if (installed) return installed
  }
  throw new Error(
    `No ${name} was found and none could be installed: install it (on Debian: apt-get install ${name}) or set ${variable} to its path.`,
  )
}

async function which(name) {
  const { code, output } = await run("sh", ["-c", `command -v ${name}`], { quiet: true })
  return code === 0 && output.trim() ? output.trim() : undefined
}
