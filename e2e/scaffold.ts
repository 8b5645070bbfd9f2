import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "@playwright/test"
import { freePort } from "./server.ts"

const READY_MS_MAX = 30_000
const NPM_FLAGS = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]

/** A temporary directory outside the repository, and every program that was started in it. */
export class Workshop {
  readonly dir = mkdtempSync(join(tmpdir(), "lf-scaffold-"))
  readonly #running = new Set<ChildProcess>()

  path(name: string): string {
    return join(this.dir, name)
  }

  makeDir(name: string): string {
    mkdirSync(this.path(name))
    return this.path(name)
  }

  /** Runs a program to its end and returns its output. @throws with the output when it failed */
  async run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { child, output } = this.#spawn(command, args, options)
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject)
      child.once("close", resolve)
    })
    if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}\n${output()}`)
    return output()
  }

  npm(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.run("npm", args[0] === "install" ? [...args, ...NPM_FLAGS] : args, options)
  }

  /** `next start` of the app in `cwd`, on a free port. */
  async serve(
    cwd: string,
    place: { readonly LF_DATA_DIR?: string; readonly LF_DATABASE_URL?: string },
    onPort?: number,
  ) {
    const port = onPort ?? (await freePort())
    const url = `http://localhost:${port}`
    const next = join(cwd, "node_modules/next/dist/bin/next")
    const { child, output } = this.#spawn(process.execPath, [next, "start", "--port", String(port)], {
      cwd,
      env: { ...place, NODE_ENV: "production" },
    })
    const answers = async () => (await fetch(`${url}/api/lf`).catch(() => null))?.ok ?? output()
    await expect.poll(answers, { timeout: READY_MS_MAX, message: "the app answers" }).toBe(true)
    return { url, port, stop: (signal: "SIGTERM" | "SIGKILL" = "SIGTERM") => end(child, signal) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#running, (child) => end(child, "SIGKILL")))
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }

  #spawn(command: string, args: readonly string[], { cwd = this.dir, env = {} }: RunOptions) {
    const child = spawn(command, args, {
      cwd,
      env: { ...cleanEnv(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it starts ends with it.
      detached: true,
    })
    this.#running.add(child)
    child.once("close", () => this.#running.delete(child))
    let said = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => {
        said += data.toString()
      })
    }
    return { child, output: () => said }
  }
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Our environment without what `npm test` and Playwright set: npm would install into the repository. */
function cleanEnv(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" }
  const inherited = /^(npm_(package|lifecycle|config_local_prefix).*|NODE_(ENV|PATH|OPTIONS)|CI)$/
  for (const name of Object.keys(env)) if (inherited.test(name)) Reflect.deleteProperty(env, name)
  return env
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once("close", resolve))
  try {
    process.kill(-child.pid, signal)
  } catch {
    child.kill(signal)
  }
  await gone
}
