// A real client in this process: Local and Session over a real WebSocket, its journal in memory.
import { Local, MemoryDisk, Session } from "@lf/core/internal"
import { loadSqlite, nodeHost, wsNetwork } from "@lf/next/node"
import { mutator } from "./server-app.mjs"

/** Resolves when it has everything that the server had when it connected. */
export async function realClient(url, docId, { disk = new MemoryDisk() } = {}) {
  const local = new Local({
    opened: await disk.open(docId),
    module: await loadSqlite(),
    mutator,
    host: nodeHost,
    user: null,
  })
  let session
  await new Promise((resolve, reject) => {
    const onChange = () => {
      if (session?.state.isUpToDate) resolve()
      if (session?.state.status === "error") reject(session.state.error)
    }
    session = new Session({ docId, local, network: wsNetwork(url), host: nodeHost, token: async () => null, onChange })
  })
  const close = async () => {
    session.stop()
    await local.close()
  }
  return { local, session, close }
}
