import { LfError, type Mutator } from "@lf/core"
import type { Network } from "@lf/core/internal"
import { memoryPlatform } from "../platform/memory/memory-platform.ts"
import { portOf, type TabMessage, type WorkerMessage } from "../rpc/protocol.ts"
import { DevtoolsDesk } from "../worker/devtools-desk.ts"
import { WorkerHost } from "../worker/worker-host.ts"
import { Traffic } from "./counted-channel.ts"

/** Tests have no server unless one is given. */
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
  const platform = memoryPlatform(network)
  const traffic = new Traffic()
  const host = new WorkerHost({
    mutator,
    platform,
    end: () => {},
    devtools: (source) => new DevtoolsDesk(source, { checksMutators: false }),
  })
  return () => {
    const [near, far] = traffic.channel()
    host.accept(portOf<WorkerMessage, TabMessage>(far as unknown as MessagePort))
    // The part of a SharedWorker that TabDocument uses: its port, and a place for onerror.
    return { port: near, onerror: null } as unknown as SharedWorker
  }
}
