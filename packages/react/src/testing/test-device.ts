import { LfError, type Mutator } from "@lf/core"
import { type Host, memoryPipe, type Network, type Pipe } from "@lf/core/internal"
import { memoryPlatform } from "../platform/memory/memory-platform.ts"
import type { Platform } from "../platform/port.ts"
import { portOf, type TabMessage, type WorkerMessage } from "../rpc/protocol.ts"
import { WorkerHost } from "../worker/worker-host.ts"
import type { Traffic } from "./counted-channel.ts"
import { WatchedPort } from "./watched-port.ts"

export interface TestDeviceOptions {
  readonly user: string | null
  readonly mutator: Mutator
  readonly host: Host
  readonly traffic: Traffic
  /** Whether the server's own network is up. */
  readonly isServerOnline: () => boolean
  /** The server gets the other end of a connection to `url`. */
  readonly accept: (pipe: Pipe, from: { readonly device: object; readonly url: string }) => void
}

/** A device of its own: a worker, storage and a network. Its tabs are what is rendered with its `worker`. */
export interface TestClient {
  /** What `LfProvider` takes as `user`. */
  readonly user: string | null
  /** What `LfProvider` takes as `worker`. Each provider is one more tab of this device. */
  readonly worker: () => SharedWorker
  /** Whether it reaches the server. */
  readonly isOnline: boolean
  /** The device loses its network: what is written waits. */
  cut(): void
  /** The device's network is back, and it connects at once. */
  heal(): void
  /**
   * The worker ends and starts anew from what is stored, as after a reload of all tabs. What is rendered with it connects again.
   */
  reload(): Promise<void>
}

export class TestDevice implements TestClient {
  readonly user: string | null
  readonly worker: () => SharedWorker
  readonly #options: TestDeviceOptions
  readonly #platform: Platform
  readonly #pipes = new Set<Pipe>()
  readonly #tabs = new Set<WatchedPort>()
  #worker: { readonly host: WorkerHost; readonly ended: Promise<void> } | null = null
  #isOnline = true
  #isClosed = false

  constructor(options: TestDeviceOptions) {
    this.#options = options
    this.user = options.user
    const network = (url: string): Network => ({ connect: () => this.#connect(url) })
    this.#platform = { ...memoryPlatform(network("")), network, host: options.host }
    this.worker = () => this.#makeWorker()
  }

  get isOnline(): boolean {
    return this.#isOnline && this.#options.isServerOnline()
  }

  cut(): void {
    this.#isOnline = false
    this.closePipes()
  }

  heal(): void {
    this.#isOnline = true
    this.poke()
  }

  async reload(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    if (worker === null) return
    const port = {
      post: () => {},
      close: () => {},
      listen: (listener: (message: TabMessage) => void) =>
        listener({ type: "restart", sinceMs: Number.POSITIVE_INFINITY }),
    }
    worker.host.accept(port)
    await worker.ended
  }

  /** The tabs that show a document or wait for one. */
  get tabs(): readonly WatchedPort[] {
    return [...this.#tabs].filter(({ doc }) => doc !== null)
  }

  poke(): void {
    for (const tab of this.#tabs) tab.poke()
  }

  closePipes(): void {
    for (const pipe of this.#pipes) pipe.close("the test cut the network")
    this.#pipes.clear()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.closePipes()
    await this.reload()
    this.#tabs.clear()
  }

  async #connect(url: string): Promise<Pipe> {
    if (!this.isOnline) throw new LfError("SERVER_UNREACHABLE", "the test cut the network: call heal()")
    const [near, far] = memoryPipe()
    this.#pipes.add(near)
    this.#options.accept(far, { device: this, url })
    return near
  }

  #makeWorker(): SharedWorker {
    const [near, far] = this.#options.traffic.channel()
    // After the server was closed, tabs that are still rendered get no answer.
    if (!this.#isClosed) {
      const port = portOf<WorkerMessage, TabMessage>(far as unknown as MessagePort)
      const tab = new WatchedPort(port, (closed) => this.#tabs.delete(closed))
      this.#tabs.add(tab)
      this.#worker ??= this.#start()
      this.#worker.host.accept(tab)
    }
    // The part of a SharedWorker that a tab uses: its port, and a place for onerror.
    return { port: near, onerror: null } as unknown as SharedWorker
  }

  #start() {
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const { mutator } = this.#options
    return { host: new WorkerHost({ mutator, platform: this.#platform, end }), ended }
  }
}
