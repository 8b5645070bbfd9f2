// Servers in separate processes, for tests that kill, race and trace them.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { later } from "./fixture.ts"

export interface ServerProcess {
  readonly child: ChildProcess
  readonly port: number
}

/** `script` is a bundle of crash-server.ts. `wrapper`: a program that starts what follows its own arguments. */
export async function startProcess(options: {
  readonly script: string
  readonly dataDir: string
  readonly port?: number
  readonly wrapper?: readonly string[]
  /** Where stderr goes; a test that provokes errors wants none. */
  readonly stderr?: "inherit" | "ignore"
}): Promise<ServerProcess> {
  const { script, dataDir, port = 0, wrapper = [], stderr = "inherit" } = options
  const [program, ...args] = [...wrapper, process.execPath, script, dataDir, String(port)]
  // A group of its own: a wrapper's signal would not reach its child.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", stderr], detached: true })
  later(() => signal(child, "SIGKILL"))
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${program} ended with ${code}`))),
    once(child, "error").then(([error]) => Promise.reject(error)),
  ])
  return { child, port: Number(line) }
}

export async function endProcess({ child }: ServerProcess, how: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const isGone = once(child, "exit")
  signal(child, how)
  await isGone
}

function signal({ pid }: ChildProcess, how: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, how)
  } catch {
    // All have ended.
  }
}
