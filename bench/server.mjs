// Starts server-process.mjs as a child and sends it requests.
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ensureApp } from "../scripts/server.mjs"

const script = fileURLToPath(new URL("./server-process.mjs", import.meta.url))

/** What is left of a run that is stopped or throws. */
const children = new Set()
const directories = new Set()
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1))

/** A fresh directory on a real disk. `LF_BENCH_DIR`: where; by default the system's directory for temporary files. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(process.env.LF_BENCH_DIR ?? tmpdir(), "lf-bench-"))
  directories.add(directory)
  const remove = () => {
    rmSync(directory, { recursive: true, force: true })
    directories.delete(directory)
  }
  return { directory, remove }
}

/**
 * A server on a directory that outlives it, with the pages of `site`. `LF_BENCH_CPU_PROF` is a directory for V8's CPU profiles of the servers.
 * @returns port, url, `ask(type, args)`, `stop()`
 */
export async function startServer(dataDir, site) {
  const profile = process.env.LF_BENCH_CPU_PROF
  const execArgv = [
    "--expose-gc",
    ...(profile && dataDir !== "bare" ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : []),
  ]
  return await startChild({ script, args: site === undefined ? [dataDir] : [dataDir, site], execArgv })
}

/** The same in the demo's Next server. */
export async function startNextServer(dataDir) {
  await ensureApp()
  return await startServer(dataDir, "next")
}

export async function startBareServer() {
  return await startServer("bare")
}

/** A child that says its port first and then answers requests. It ends with this process. */
export async function startChild({ script: file, args, execArgv = ["--expose-gc"] }) {
  const env = { ...process.env, NODE_ENV: "production" }
  const child = fork(file, args, { execArgv, env, stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const waiting = new Map()
  const exited = once(child, "exit")
  child.on("message", ({ id, value, error }) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(value)
    else one?.reject(new Error(error))
  })
  child.once("exit", (code) => {
    for (const one of waiting.values()) one.reject(new Error(`the child ended with ${code}`))
  })
  children.add(child)
  child.once("exit", () => children.delete(child))
  const [{ port }] = await Promise.race([
    once(child, "message"),
    exited.then(([code]) => Promise.reject(new Error(`the child ended with ${code}`))),
  ])
  let next = 0
  const ask = (type, request = {}) =>
    new Promise((resolve, reject) => {
      const id = ++next
      waiting.set(id, { resolve, reject })
      child.send({ id, type, ...request })
    })
  return {
    pid: child.pid,
    port,
    url: `ws://127.0.0.1:${port}/api/lf`,
    ask,
    /** Resolves to what the child answered. */
    async stop() {
      const answer = await ask("stop")
      await exited
      return answer
    },
  }
}
