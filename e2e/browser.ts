import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BrowserContext, chromium, expect, test } from "@playwright/test"
import { CHROMIUM_ARGS } from "./chromium-args.ts"

/** A Chromium with a profile on disk that can be killed like a power failure would, and started again on the same profile. */
export class Profile {
  readonly #dir = mkdtempSync(join(tmpdir(), "lf-profile-"))
  readonly #path: string
  #child: ChildProcess | null = null

  /** `path` is the executable that the tests use. */
  constructor(path: string) {
    this.#path = path
  }

  async start(): Promise<BrowserContext> {
    rmSync(join(this.#dir, "DevToolsActivePort"), { force: true })
    const args = test.info().project.use.launchOptions?.args ?? CHROMIUM_ARGS
    this.#child = spawn(
      this.#path,
      ["--headless=new", ...args, `--user-data-dir=${this.#dir}`, "--remote-debugging-port=0", "about:blank"],
      {
        stdio: "ignore",
        // A group of its own, so that a kill takes the renderers too.
        detached: true,
      },
    )
    let port = ""
    await expect
      .poll(
        () => {
          port = this.#devToolsPort()
          return port
        },
        { timeout: 30_000, message: "Chromium says its port" },
      )
      .not.toBe("")
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
    return browser.contexts()[0]
  }

  /** SIGKILL to the browser and everything under it. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child?.pid === undefined) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    try {
      process.kill(-child.pid, "SIGKILL")
    } catch {
      child.kill("SIGKILL")
    }
    await gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 })
  }

  #devToolsPort(): string {
    try {
      return readFileSync(join(this.#dir, "DevToolsActivePort"), "utf8").split("\n")[0]
    } catch {
      return ""
    }
  }
}

/** The executable that the tests use. */
export function chromiumPath(): string {
  const given = process.env.LF_CHROMIUM_PATH
  if (given) return given
  return execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser || command -v google-chrome"], {
    encoding: "utf8",
  }).trim()
}
