// Processes that run tests side by side. One that does not answer in time is ended, and another takes its place.
import { fork } from "node:child_process"
import { join } from "node:path"
import { root } from "../run.mjs"

export class Lane {
  #environment
  #child = null

  constructor(environment = "node") {
    this.#environment = environment
  }

  /** What lane.mjs answers, or null when it took longer, or ended. */
  async run(job, msMax) {
    this.#child ??= this.#start()
    const child = this.#child
    const answer = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), msMax)
      child.once("message", (message) => {
        clearTimeout(timer)
        resolve(message)
      })
      child.once("exit", () => {
        clearTimeout(timer)
        resolve(null)
      })
      child.send(job)
    })
    child.removeAllListeners()
    if (answer === null) this.close()
    return answer
  }

  close() {
    this.#child?.kill("SIGKILL")
    this.#child = null
  }

  #start() {
    return fork(join(root, "scripts/mutants/lane.mjs"), [this.#environment], {
      cwd: root,
      env: { ...process.env, NODE_ENV: "test", NODE_NO_WARNINGS: "1" },
      // What a mutant prints is dropped.
      stdio: [
        "ignore",
        process.env.LF_MUTANTS_LOUD ? "inherit" : "ignore",
        process.env.LF_MUTANTS_LOUD ? "inherit" : "ignore",
        "ipc",
      ],
    })
  }
}
