// The app's documents on a plain HTTP server: it starts in a quarter of the time that Next takes.
import { createServer } from "node:http"
import { mutator } from "../../app/lf/mutators.ts"
import { createLf } from "../../packages/next/src/create-lf.ts"

export async function serve(): Promise<void> {
  const lf = createLf({
    mutator,
    dataDir: process.env.LF_DATA_DIR ?? "",
    authenticate: () => null,
    authorize: () => true,
  })
  const server = createServer()
  server.on("upgrade", (_request, socket) => socket.destroy())
  server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready on loopback"))
  process.on("SIGTERM", async () => {
    server.close()
    await lf.close()
    process.exit(0)
  })
}
