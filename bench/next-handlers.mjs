// The demo's Next server in production mode, in this process: its route for lf serves the documents of the benchmark's `createLf`.
import { fileURLToPath } from "node:url"
import next from "next"

const root = fileURLToPath(new URL("../", import.meta.url))

/** To be called after `createLf`: the app's own, for the same directory, shares its documents, mutations and limits. */
export async function nextHandlers(dataDir) {
  process.env.LF_DATA_DIR = dataDir
  const app = next({ dev: false, dir: root, quiet: true })
  await app.prepare()
  return { request: app.getRequestHandler(), upgrade: app.getUpgradeHandler() }
}
