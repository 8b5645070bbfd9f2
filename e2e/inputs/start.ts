import { type ChildProcess, spawn } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { build } from "esbuild"
import type { Item } from "./items.ts"

const SOURCE = "e2e/inputs"

/** The page of inputs and its documents, in a process of its own on loopback. */
export class InputsServer {
  readonly url: string
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url
    this.#child = child
    this.#directory = directory
  }

  static async start(): Promise<InputsServer> {
    // Below the repository, so that the server finds its packages, and where no other run of Playwright tidies up.
    mkdirSync("node_modules/.lf-e2e", { recursive: true })
    const directory = mkdtempSync("node_modules/.lf-e2e/inputs-")
    await bundle(directory)
    const child = spawn(process.execPath, [join(directory, "server.mjs"), directory], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_ENV: "production" },
    })
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout?.on("data", (data: Buffer) => {
        const [, said] = /port (\d+)/.exec(data.toString()) ?? []
        if (said !== undefined) resolve(said)
      })
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)))
    })
    return new InputsServer(`http://localhost:${port}`, child, directory)
  }

  /** Makes the document, with rows 1 to `count` that have this title. */
  async fill({ doc, count, title }: { doc: string; count: number; title: string }): Promise<void> {
    await this.#post("fill", { doc, count: `${count}`, title })
  }

  /** Somebody else renames a row. */
  async rename({ doc, id, title }: { doc: string; id: number; title: string }): Promise<void> {
    await this.#post("rename", { doc, id: `${id}`, title })
  }

  async rows(doc: string): Promise<Item[]> {
    return (await fetch(`${this.url}/rows?doc=${doc}`)).json() as Promise<Item[]> // what server.ts answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await gone
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #post(path: string, args: Record<string, string>): Promise<void> {
    const response = await fetch(`${this.url}/${path}?${new URLSearchParams(args)}`, { method: "POST" })
    const outcome = await response.text()
    if (outcome !== '{"type":"applied"}') throw new Error(`${path}: the server answered ${outcome}`)
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
