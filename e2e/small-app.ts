import { type ChildProcess, spawn } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { build } from "esbuild"

/** Below the repository, so that the server finds its packages, and where no other run of Playwright cleans up. */
const FOLDER = "node_modules/.lf-e2e"

/** What the page and the worker are bundled for. */
export type Environment = "production" | "development"

/** An app of one page, one worker and one server, without Next: bundled, and served on loopback by a process of its own. */
export class SmallApp {
  readonly url: string
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url
    this.#child = child
    this.#directory = directory
  }

  /** `source` has page.tsx, worker.ts and server.ts, which says its port. */
  static async start(source: string, environment: Environment = "production"): Promise<SmallApp> {
    mkdirSync(FOLDER, { recursive: true })
    const directory = mkdtempSync(join(FOLDER, "app-"))
    await bundle(source, directory, environment)
    const child = spawn(process.execPath, [join(directory, "server.mjs"), directory], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, NODE_ENV: "production" },
    })
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout?.on("data", (data: Buffer) => {
        const [, said] = /port (\d+)/.exec(data.toString()) ?? []
        if (said !== undefined) resolve(said)
      })
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)))
    })
    return new SmallApp(`http://localhost:${port}`, child, directory)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve))
    if (this.#child.exitCode === null) {
      this.#child.kill("SIGKILL")
      await gone
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

async function bundle(source: string, directory: string, environment: Environment): Promise<void> {
  const common = { bundle: true, format: "esm", logLevel: "warning", jsx: "automatic" } as const
  await build({
    ...common,
    entryPoints: [`${source}/page.tsx`, `${source}/worker.ts`],
    outdir: directory,
    platform: "browser",
    define: { "process.env.NODE_ENV": JSON.stringify(environment) },
    // The wasm's loader names it where it runs in Node; the browser never asks.
    external: ["module"],
  })
  await build({
    ...common,
    entryPoints: [`${source}/server.ts`],
    outfile: join(directory, "server.mjs"),
    platform: "node",
    packages: "external",
  })
  // Next's bundlers put the file where they like and rewrite its URL; esbuild leaves the URL as it is.
  const wasm = "wa-sqlite/dist/wa-sqlite.wasm"
  mkdirSync(dirname(join(directory, wasm)), { recursive: true })
  copyFileSync(createRequire(import.meta.url).resolve(wasm), join(directory, wasm))
}
