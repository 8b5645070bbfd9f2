// Runs a script in a process of its own: what ran before neither fills the heap nor decides how code was compiled.
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"

/** Resolves with the one message that the script sends. */
export function apart(script, args) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), args.map(String), { execArgv: ["--expose-gc"] })
    let answer
    child.on("message", (message) => {
      answer = message
    })
    child.on("error", reject)
    child.on("exit", (code, signal) => {
      if (code === 0 && answer !== undefined) resolve(answer)
      else reject(new Error(`${script} ${args.join(" ")} ended with ${code ?? signal}`))
    })
  })
}

/** In the script: sends the answer, then ends, whatever timers a peer left behind. */
export function answer(message) {
  process.send(message, () => process.exit(0))
}
