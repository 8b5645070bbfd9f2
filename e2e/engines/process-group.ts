import { type ChildProcess, spawn } from "node:child_process"

/** A program with everything that it starts: killed together, at the latest with this process. */
export class ProcessGroup {
  readonly #child: ChildProcess
  readonly #gone: Promise<void>
  readonly #killNow = () => this.#signal("SIGKILL")
  #output = ""

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    })
    this.#gone = new Promise((resolve) => {
      this.#child.once("exit", () => resolve())
      this.#child.once("error", () => resolve())
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-20_000)
      })
    }
    process.once("exit", this.#killNow)
  }

  /** The first group of `pattern` in what it prints. @throws when it ends or says nothing like that in time */
  async says(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    const untilMs = performance.now() + timeoutMs
    while (performance.now() < untilMs) {
      const found = pattern.exec(this.#output)?.[1]
      if (found !== undefined) return found
      if (this.#child.exitCode !== null || this.#child.pid === undefined) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`${this.#child.spawnfile} does not print ${pattern}; it said:\n${this.#output}`)
  }

  /** Until the program itself has ended, or `timeoutMs` are over. */
  async ends(timeoutMs: number): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())
    await Promise.race([this.#gone, late])
  }

  async kill(): Promise<void> {
    this.#signal("SIGKILL")
    process.off("exit", this.#killNow)
    if (this.#child.pid !== undefined) await this.#gone
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // All of it has ended.
    }
  }
}
