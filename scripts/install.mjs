// What a fresh clone lacks: dependencies and built packages.
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { bin, must, npm, packages, root, say } from "./run.mjs"

/** Runs `npm ci` when what is installed in `folder` is not what its package-lock.json asks for. */
export async function ensureInstalled(folder = root) {
  const wanted = join(folder, "package-lock.json")
  const installed = join(folder, "node_modules/.package-lock.json")
  if (existsSync(installed)) {
    const touched = statSync(wanted).mtimeMs > statSync(installed).mtimeMs
    // A checkout or an edit of the scripts touches the file too: only a difference is worth two minutes.
    if (!touched || holds(readPackages(installed), readPackages(wanted))) {
      say("dependencies are installed")
      return
    }
  }
  say("installing dependencies (npm ci)")
  // --include=dev: NODE_ENV=production in the environment would leave the compiler out.
  await must(npm, ["ci", "--prefix", folder, "--include=dev", "--no-audit", "--no-fund"])
}

/** Compiles the packages; an incremental build of unchanged sources takes a second. */
export async function ensureBuilt() {
  say(`building ${packages.join(", ")} (tsc -b)`)
  // tsc trusts its build info and does not look whether dist is still there.
  const isMissing = packages.some((name) => !existsSync(join(root, name, "dist")))
  await must(process.execPath, [...bin.tsc, "-b", ...(isMissing ? ["--force"] : []), ...packages])
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {}
}

function holds(installed, wanted) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || entry.optional || !path.startsWith("node_modules/")) return true
    const found = installed[path]
    return found !== undefined && found.version === entry.version && Boolean(found.link) === Boolean(entry.link)
  })
}
