// System programs that tests look through or run in: found, or installed where that is possible.
import { existsSync } from "node:fs"
import { run, say } from "./run.mjs"

/** The path of `program`, which Debian has in a package of the same or of another name. @throws when there is none */
export async function findTool(program, debianPackage = program) {
  const variable = `LF_${program.toUpperCase().replaceAll(/\W/g, "_")}`
  const found = askedFor(variable) ?? (await which(program)) ?? (await installed(program, debianPackage))
  if (found !== undefined) return found
  throw new Error(
    `No ${program} was found and none could be installed: install it (on Debian: apt-get install ${debianPackage}) or set ${variable} to its path.`,
  )
}

/** The file that an environment variable names, if it is set. @throws when there is no such file */
export function askedFor(variable) {
  const asked = process.env[variable]
  if (!asked) return undefined
  if (!existsSync(asked)) throw new Error(`${variable} is ${asked}, but there is no such file.`)
  return asked
}

/** The path of the first of these programs that is on the PATH. */
export async function which(...names) {
  for (const name of names) {
    const { code, output } = await run("sh", ["-c", `command -v ${name}`], { quiet: true })
    if (code === 0 && output.trim()) return output.trim()
  }
  return undefined
}

/** Installs the program's package and answers the program's path. */
export async function installed(program, debianPackage = program) {
  return (await install(debianPackage)) ? which(program) : undefined
}

/** Installs Debian's packages, where that can be done without a question; answers whether they are there. */
export async function install(...debianPackages) {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) return false
  say(`installing ${debianPackages.join(" ")} (apt-get install)`)
  await run("apt-get", ["update", "-q"])
  // In runlevel 1 a package starts no service.
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  const { code } = await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...debianPackages], { env })
  return code === 0
}
