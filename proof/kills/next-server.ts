import { spawn } from "node:child_process"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { pidNamespace } from "../../packages/next/src/testing/pid-namespace.ts"

export interface NextServer {
  readonly port: number
  /** What its health check says: "ok", or the code for which it serves no document. */
  health(): Promise<string>
  /** Sends it, and waits for nothing. */
  signal(signal: "SIGTERM" | "SIGSTOP" | "SIGCONT"): void
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>
}

/** Each server has process ids of its own, as in a container, where the system allows it: all of them are process 1. */
const container = pidNamespace() ?? []

/** In groups of their own they would outlive an interrupted proof. */
const living = new Set<number>()
process.on("exit", () => {
  for (const pid of living) {
    try {
      process.kill(-pid, "SIGKILL")
    } catch {
      // It ended meanwhile.
    }
  }
})

/** The app as `npm run demo` serves it; it must have been built. */
export async function startNext(options: {
  /** Where its documents are. */
  env: { readonly LF_DATA_DIR: string } | { readonly LF_DATABASE_URL: string }
  port?: number
}): Promise<NextServer> {
  const port = options.port ?? (await freePort())
  const [program, ...args] = [...container, process.execPath, ".server/server.mjs"]
  const child = spawn(program, args, {
    // A group of its own: a wrapper's signal would not reach what it started.
    detached: true,
    env: {
      ...process.env,
      NODE_ENV: "production",
      PORT: String(port),
      HOST: "127.0.0.1",
      ...options.env,
      NEXT_TELEMETRY_DISABLED: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const { pid = 0 } = child
  if (pid !== 0) living.add(pid)
  const gone = once(child, "exit").then(() => void living.delete(pid))
  let output = ""
  const isReady = new Promise<void>((resolve, reject) => {
    const onOutput = (chunk: Buffer) => {
      output += chunk
      if (output.includes("ready on")) resolve()
    }
    child.stdout.on("data", onOutput)
    child.stderr.on("data", onOutput)
    void gone.then(() => reject(new Error(`the server ended: ${output.slice(-500)}`)))
  })
  await isReady
  return {
    port,
    async health() {
      const response = await fetch(`http://127.0.0.1:${port}/api/lf`)
      if (response.ok) return "ok"
      const { code } = (await response.json()) as { readonly code: string }
      return code
    },
    signal(signal) {
      if (living.has(pid)) process.kill(-pid, signal)
    },
    async end(signal) {
      if (living.has(pid)) process.kill(-pid, signal)
      await gone
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}
