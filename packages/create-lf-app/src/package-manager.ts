import { spawn } from "node:child_process"

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
