// Processes that run tests side by side. One that does not answer in time is ended, and another takes its place.
import { fork } from "node:child_process"
import { join } from "node:path"
import { root } from "../run.mjs"

/** Old modules stay in a process: after so many runs it is replaced. */
const runsMax = 150

export class Lane {
  #environment
  #child = null
  #runs = 0

  constructor(environment = "node") {
    this.#environment = environment
  }

  /** What lane.mjs answers, or null when it took longer, or ended. */
  async run(job, msMax) {
    if (this.#runs >= runsMax) this.close()
    this.#child ??= this.#start()
    this.#runs++
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
    this.#runs = 0
  }

  #start() {
    return fork(join(root, "scripts/mutants/lane.mjs"), [this.#environment], {
      cwd: root,
      // What a mutant prints is of no interest.
      stdio: ["ignore", process.env.LF_MUTANTS_LOUD ? "inherit" : "ignore", process.env.LF_MUTANTS_LOUD ? "inherit" : "ignore", "ipc"],
    })
  }
}
