import { type ChildProcess, spawn } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { build } from "esbuild"

const SOURCE = "e2e/accounts"

/** The app with accounts in a process of its own, on loopback. */
export class AccountsServer {
  readonly url: string
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url
    this.#child = child
    this.#directory = directory
  }

  static async start(): Promise<AccountsServer> {
    // Below the repository: the server finds its packages from there.
    mkdirSync("test-results", { recursive: true })
    const directory = mkdtempSync(join("test-results", "accounts-"))
    await bundle(directory)
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
    return new AccountsServer(`http://localhost:${port}`, child, directory)
  }

  /** "down": pages come, but no connection to a document. The others refuse it. */
  async become(state: "down" | "up" | "forbidden" | "unsure"): Promise<void> {
    await fetch(`${this.url}/${state}`)
  }

  async rows(): Promise<string[]> {
    return (await fetch(`${this.url}/rows`)).json() as Promise<string[]> // what accounts/server.ts answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await gone
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

async function bundle(directory: string): Promise<void> {
  const common = { bundle: true, format: "esm", logLevel: "warning", jsx: "automatic" } as const
  await build({
    ...common,
    entryPoints: [`${SOURCE}/page.tsx`, `${SOURCE}/worker.ts`],
    outdir: directory,
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
    // The wasm's loader names it where it runs in Node; the browser never asks.
    external: ["module"],
  })
  await build({
    ...common,
    entryPoints: [`${SOURCE}/server.ts`],
    outfile: join(directory, "server.mjs"),
    platform: "node",
    packages: "external",
  })
  // Next's bundlers put the file where they like and rewrite its URL; esbuild leaves the URL as it is.
  const wasm = "wa-sqlite/dist/wa-sqlite.wasm"
  mkdirSync(dirname(join(directory, wasm)), { recursive: true })
  copyFileSync(createRequire(import.meta.url).resolve(wasm), join(directory, wasm))
}
