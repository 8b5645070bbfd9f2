import { LfError, type LoadSqlite, MemoryDisk, type Mutator, type Network, type SqliteModule } from "@lf/core"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { browserHost } from "../browser/browser-host.ts"
import { portOf, type TabMessage, type WorkerMessage } from "../rpc/protocol.ts"
import type { Platform } from "../worker/platform.ts"
import { WorkerHost } from "../worker/worker-host.ts"

/** In tests there is no server unless one is given. */
const nowhere: Network = {
  connect: () => Promise.reject(new LfError("SERVER_CLOSING", "tests have no server")),
}

/**
 * The app's worker inside the test's own process, on real SQLite and memory in place of a disk: for jsdom.
 * Returns what `LfProvider` takes as `worker`.
 *
 * @example render(<LfProvider doc="d" worker={memoryWorker({ mutator })}><App /></LfProvider>)
 */
export function memoryWorker({
  mutator,
  network = nowhere,
}: {
  mutator: Mutator
  network?: Network
}): () => SharedWorker {
  const disk = new MemoryDisk()
  const platform: Platform = {
    host: browserHost,
    loadSqlite: loadSqliteInNode,
    openLog: (key) => disk.open(key),
    deleteLog: async () => {},
    network: () => network,
    own: async () => ({ release: () => {} }),
    holdLife: async () => null,
    watchLife: () => () => {},
  }
  const host = new WorkerHost({ mutator, platform, end: () => {} })
  return () => {
    const { port1, port2 } = new MessageChannel()
    host.accept(portOf<WorkerMessage, TabMessage>(port2))
    // Only what TabDocument uses of a SharedWorker: its port, and a place for onerror.
    return { port: port1, onerror: null } as unknown as SharedWorker
  }
}

const loadSqliteInNode: LoadSqlite = async () => {
  const { readFile } = await import("node:fs/promises")
  const { createRequire } = await import("node:module")
  const path = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
  const compiled = await WebAssembly.compile(new Uint8Array(await readFile(path)))
  const made = await factory({
    instantiateWasm(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) {
      void WebAssembly.instantiate(compiled, imports).then(receive)
      return {}
    },
  })
  return made as SqliteModule // untyped; see core's module.ts
}
