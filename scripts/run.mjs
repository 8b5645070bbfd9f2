// Child processes for the scripts beside this file. No dependencies: these run before anything is installed.
import { spawn } from "node:child_process"
import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..")

// Inherited by every child: tests and the demo send no telemetry.
process.env.NEXT_TELEMETRY_DISABLED = "1"

/** Prints one line of progress. */
export function say(line) {
  process.stdout.write(`lf: ${line}\n`)
}

/**
 * Runs a program in the repository and answers how it ended; never throws for an exit code.
 * `quiet` keeps the output back and returns it, so that steps can run side by side and stay readable.
 */
export function run(command, args, { env = {}, quiet = false, cwd = root } = {}) {
  const startedMs = performance.now()
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    })
    const chunks = []
    child.stdout?.on("data", (chunk) => chunks.push(chunk))
    child.stderr?.on("data", (chunk) => chunks.push(chunk))
    const end = (code) =>
      done({ code, output: Buffer.concat(chunks).toString(), seconds: (performance.now() - startedMs) / 1000 })
    child.on("error", (error) => {
      chunks.push(Buffer.from(`${command}: ${error.message}\n`))
      if (!quiet) process.stderr.write(`${command}: ${error.message}\n`)
      end(127)
    })
    child.on("close", (code) => end(code ?? 1))
  })
}

/** Like `run`, for steps that the rest cannot do without: a failure ends this process with the step's code. */
export async function must(command, args, options) {
  const { code } = await run(command, args, options)
  if (code !== 0) process.exit(code)
}

/** `node_modules` programs are started by their file: no shell, no npx, the same on every platform. */
export const bin = {
  attw: ["node_modules/@arethetypeswrong/cli/dist/index.js"],
  biome: ["node_modules/@biomejs/biome/bin/biome"],
  knip: ["scripts/knip/node_modules/knip/bin/knip.js"],
  next: ["node_modules/next/dist/bin/next"],
  playwright: ["node_modules/@playwright/test/cli.js"],
  publint: ["node_modules/publint/src/cli.js"],
  // Not bin/tsc: Node before 20.10 does not run a module without an extension.
  tsc: ["node_modules/typescript/lib/tsc.js"],
  vitest: ["node_modules/vitest/vitest.mjs"],
}

export const npm = process.platform === "win32" ? "npm.cmd" : "npm"

export const packages = ["core", "react", "next", "postgres", "create-lf-app"].map((name) => `packages/${name}`)

/**
 * Long-running children that live and die with this process: one that ends takes the others along, a signal is passed on,
 * and this process leaves when the last is gone.
 */
export function runTogether(children) {
  const running = new Set()
  let exitCode = 0
  const stop = (signal) => {
    for (const child of running) child.kill(signal)
  }
  for (const { command, args, env = {}, cwd = root } of children) {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" })
    running.add(child)
    const gone = (code) => {
      if (!running.delete(child)) return
      if (code) exitCode = code
      if (running.size === 0) process.exit(exitCode)
      stop("SIGTERM")
    }
    child.on("error", (error) => {
      say(`${command}: ${error.message}`)
      gone(127)
    })
    child.on("exit", (code) => gone(code ?? 0))
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop(signal))
  process.on("exit", () => stop("SIGKILL"))
}
