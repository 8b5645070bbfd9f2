import { spawn } from "node:child_process"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"

export interface ServerProcess {
  readonly port: number
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>
}

/** next: the app as `npm run demo` serves it, which must have been built. plain: its documents alone. */
export async function startServer(options: {
  kind: "next" | "plain"
  dataDir: string
  port?: number
}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort())
  const program = options.kind === "next" ? ".server/server.mjs" : process.argv[1]
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      NODE_ENV: "production",
      PORT: String(port),
      HOST: "127.0.0.1",
      LF_DATA_DIR: options.dataDir,
      LF_KILLS: "server",
      NEXT_TELEMETRY_DISABLED: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const gone = once(child, "exit")
  let output = ""
  const isReady = new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk
      if (output.includes("ready on")) resolve()
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    void gone.then(() => reject(new Error(`the server ended: ${output.slice(-500)}`)))
  })
  await isReady
  return {
    port,
    async end(signal) {
      child.kill(signal)
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
