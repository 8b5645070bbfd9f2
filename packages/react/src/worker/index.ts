import type { Mutator } from "@lf/core"
import { browserPlatform } from "../platform/browser/browser-platform.ts"
import { keptInMemory } from "../platform/browser/kept-in-memory.ts"
import type { Platform } from "../platform/port.ts"
import { type Port, portOf, type TabMessage, type WorkerMessage } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import { Candidate, type DedicatedScope, type TabsServer } from "./candidate.ts"
import { DevtoolsDesk } from "./devtools-desk.ts"
import { WorkerHost, type WorkerHostOptions } from "./worker-host.ts"

/** The part of a SharedWorker's global that is used here: the DOM's types cover windows only. */
interface SharedWorkerScope {
  onconnect: ((event: MessageEvent) => void) | null
  readonly location: { readonly href: string }
  close(): void
  addEventListener(type: string, listener: (event: unknown) => void): void
}

type TabsPort = Port<WorkerMessage, TabMessage>

const scope = globalThis as unknown as SharedWorkerScope & DedicatedScope
const isShared = "SharedWorkerGlobalScope" in globalThis
const isDedicated = "DedicatedWorkerGlobalScope" in globalThis
/** Tabs that connected before `startWorker`: the app's own modules are still being evaluated. */
const early: TabsPort[] = []
let host: WorkerHost | null = null

// Before anything else: a tab that connects during loading must not be missed, nor an error of the app's modules.
if (isShared) scope.onconnect = (event) => early.push(portOf(event.ports[0]))
if (isShared || isDedicated) {
  scope.addEventListener("error", (event) => fail((event as ErrorEvent).error ?? (event as ErrorEvent).message))
  scope.addEventListener("unhandledrejection", (event) => fail((event as PromiseRejectionEvent).reason))
}

export interface StartWorkerOptions {
  readonly mutator: Mutator
  /**
   * In development each mutator runs twice on this device, and one whose runs differ is printed: it uses `Math.random`,
   * `Date.now` or something that lives outside of it. Default: true. In production nothing runs twice.
   */
  readonly checksMutators?: boolean
  /**
   * "memory" keeps nothing on this device: what has not reached the server is gone with the worker, and `isDurable` is false.
   * For previews, kiosks and a second client in one page. A dedicated worker then serves its own tab alone. Default: "device".
   */
  readonly storage?: "device" | "memory"
}

/**
 * Turns this file into the app's worker: one for all tabs, with the databases, pending mutations and the socket. As a
 * dedicated worker it is one of those that the tabs bring, of which one serves all of them. Call it at the top of
 * `app/lf/worker.ts`.
 *
 * @example
 * import { startWorker } from "@lf/react/worker"
 * startWorker({ mutator })
 */
export function startWorker(options: StartWorkerOptions): void {
  if (isDedicated) {
    const candidates = options.storage === "memory" ? crypto.randomUUID() : scope.location.href
    const candidate: Candidate = new Candidate(scope, candidates, () => server(options, () => candidate.renew()))
    return
  }
  const { accept } = server(options, () => scope.close())
  scope.onconnect = (event) => accept(portOf(event.ports[0]))
  for (const port of early.splice(0)) accept(port)
}

/** `end`: newer code is to serve. */
function server(options: StartWorkerOptions, end: () => void): TabsServer {
  return {
    accept(port) {
      try {
        host ??= new WorkerHost({
          mutator: options.mutator,
          platform: platformOf(options),
          end,
          ...development(options),
        })
        host.accept(port)
      } catch (error) {
        port.post({ type: "failed", error: errorToSent(error, "UNSUPPORTED") })
      }
    },
    async retire() {
      const retired = host
      host = null
      await retired?.retire()
    },
  }
}

function platformOf({ storage }: StartWorkerOptions): Platform {
  const platform = browserPlatform({ takesByForce: isDedicated })
  return storage === "memory" ? keptInMemory(platform) : platform
}

/** Bundlers drop all of it from a production build. */
function development({ checksMutators = true }: StartWorkerOptions): Pick<WorkerHostOptions, "devtools"> {
  return process.env.NODE_ENV === "development"
    ? { devtools: (source) => new DevtoolsDesk(source, { checksMutators }) }
    : {}
}

/** A failure before the start: the tabs are sent the error, and the next one that connects gets a new worker. */
function fail(thrown: unknown): void {
  if (host !== null) {
    host.postUncaught(thrown)
    return
  }
  // The tab that brought a dedicated worker sees it by itself.
  if (isDedicated) return
  const error = errorToSent(thrown)
  const report = (port: TabsPort) => {
    port.post({ type: "failed", error: { ...error, message: `the worker's script threw: ${error.message}` } })
    scope.close()
  }
  scope.onconnect = (event) => report(portOf(event.ports[0]))
  for (const port of early.splice(0)) report(port)
}
