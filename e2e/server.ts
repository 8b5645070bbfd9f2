import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { expect } from "@playwright/test"

const READY_MS_MAX = 60_000

/** How the demo is served: its own server, or Next's. Or the tracker, which is another app, by Next's. */
export type Mode = "custom" | "start" | "dev" | "tracker"

/** The real server in a process of its own, on loopback, with a data directory that outlives it. */
export class Server {
  readonly port: number
  readonly dataDir: string
  readonly mode: Mode
  #child: ChildProcess | null = null
  #output = ""

  private constructor(port: number, mode: Mode, dataDir = mkdtempSync(join(tmpdir(), "lf-e2e-"))) {
    this.port = port
    this.mode = mode
    this.dataDir = dataDir
  }

  /** Starts another process on the same data: it serves pages, and refuses documents while this one owns them. */
  async startTwin(): Promise<Server> {
    const twin = new Server(await freePort(), this.mode, this.dataDir)
    await twin.start()
    return twin
  }

  /** A server that is not running yet: its address is known already. */
  static async prepare(mode: Mode = "custom"): Promise<Server> {
    return new Server(await freePort(), mode)
  }

  static async start(mode: Mode = "custom"): Promise<Server> {
    const server = await Server.prepare(mode)
    await server.start()
    return server
  }

  get url(): string {
    return `http://localhost:${this.port}`
  }

  get output(): string {
    return this.#output
  }

  async start(env: Record<string, string> = {}): Promise<void> {
    const child = spawn(process.execPath, commandOf(this.mode, this.port), {
      cwd: this.mode === "tracker" ? "examples/tracker" : ".",
      env: {
        ...process.env,
        NODE_ENV: this.mode === "dev" ? "development" : "production",
        PORT: String(this.port),
        LF_DATA_DIR: this.dataDir,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: `next dev` works in a child that a signal to its parent would leave behind.
      detached: true,
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.#output += data.toString()
      })
    }
    try {
      await expect.poll(() => this.#answers(), { timeout: READY_MS_MAX }).toBe(true)
    } catch (cause) {
      // One that is left behind would keep the next development server of this folder from starting.
      await this.stop("SIGKILL")
      throw new Error(`the server does not answer; it said:\n${this.#output}`, { cause })
    }
  }

  /** SIGTERM lets it flush and write its checkpoints, SIGKILL nothing. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    if (child.pid !== undefined) process.kill(-child.pid, signal)
    await gone
  }

  /** Stops it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL")
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  async #answers(): Promise<boolean> {
    try {
      // A 503 is an answer too: it says what is wrong.
      const { status } = await fetch(`${this.url}/api/lf`)
      return status === 200 || status === 503
    } catch {
      return false
    }
  }
}

function commandOf(mode: Mode, port: number): string[] {
  if (mode === "custom") return [".server/server.mjs"]
  return [resolve("node_modules/next/dist/bin/next"), mode === "dev" ? "dev" : "start", "--port", String(port)]
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(address)))
    })
  })
}
