import type { Mutator } from "@lf/core"
import { loadChecksum, MemoryDisk, MemoryNetwork, Remote } from "@lf/core/internal"
import { serve } from "@lf/core/testing"
import { browserHost as host } from "../platform/browser/browser-host.ts"
import { loadSqliteAnywhere as loadSqlite } from "../platform/memory/load-sqlite.ts"

/** A document at a server in the test's own process, and the network that leads to it. */
export async function memoryServer(mutator: Mutator): Promise<{ remote: Remote; network: MemoryNetwork }> {
  await loadChecksum()
  const remote = await Remote.recover({ opened: await new MemoryDisk().open("d"), loadSqlite, mutator, host })
  return { remote, network: new MemoryNetwork((pipe) => void serve(pipe, host, remote)) }
}
