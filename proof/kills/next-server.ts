import { spawn } from "node:child_process"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"

export interface NextServer {
  readonly port: number
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>
}

/** The app as `npm run demo` serves it; it must have been built. */
export async function startNext(options: { dataDir: string; port?: number }): Promise<NextServer> {
  const port = options.port ?? (await freePort())
  const child = spawn(process.execPath, [".server/server.mjs"], {
    env: {
      ...process.env,
      NODE_ENV: "production",
      PORT: String(port),
      HOST: "127.0.0.1",
      LF_DATA_DIR: options.dataDir,
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
