import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Terminal, withProgress } from "./terminal.ts"

export const packageManagers = ["npm", "pnpm", "yarn", "bun"] as const

export type PackageManager = (typeof packageManagers)[number]

export type InstallResult = { readonly type: "installed" } | { readonly type: "failed"; readonly output: string }

/** Characters of a failed installation's output that are shown. */
const OUTPUT_LINES_MAX = 20

export function isPackageManager(name: string): name is PackageManager {
  return packageManagers.some((one) => one === name)
}

/** The package manager that runs this program, from npm_config_user_agent ("pnpm/10.1.0 npm/? node/…"); else npm. */
export function packageManagerOf(userAgent: string | undefined): PackageManager {
  const name = userAgent?.split("/")[0] ?? ""
  return isPackageManager(name) ? name : "npm"
}

/** The one whose lockfile is there; else the one that runs this program. */
export function packageManagerIn(directory: string, userAgent: string | undefined): PackageManager {
  const found = LOCKFILES.find(([name]) => existsSync(join(directory, name)))
  return found?.[1] ?? packageManagerOf(userAgent)
}

const LOCKFILES: readonly (readonly [string, PackageManager])[] = [
  ["package-lock.json", "npm"],
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
]

/** Whether it succeeded; what failed is printed. */
export async function installWithProgress(terminal: Terminal, pm: PackageManager, directory: string): Promise<boolean> {
  const result = await withProgress(terminal, `Installing the dependencies with ${pm}`, () => install(pm, directory))
  if (result.type === "failed")
    terminal.complain(`\n${result.output}\n\n${pm} install failed; the app itself is complete.`)
  return result.type === "installed"
}

/** Installs the directory's dependencies. Never throws: a missing program is a failed installation. */
export function install(pm: PackageManager, directory: string): Promise<InstallResult> {
  return new Promise((done) => {
    const args = pm === "npm" ? ["install", "--no-audit", "--no-fund"] : ["install"]
    // On Windows these are .cmd files, which need a shell. No argument comes from outside.
    const child = spawn(pm, args, {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    const fail = () => done({ type: "failed", output: output.trim().split("\n").slice(-OUTPUT_LINES_MAX).join("\n") })
    child.on("error", (error) => {
      output += `${pm}: ${error.message}`
      fail()
    })
    child.on("close", (code) => (code === 0 ? done({ type: "installed" }) : fail()))
  })
}
