import { defineMutation, defineMutator, LfError, Reject, sql } from "@lf/core"
import { ClientConnection, type Host, MemoryDisk, MemoryNetwork, type Network, Remote } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"
import { loadSqliteAnywhere } from "../platform/memory/load-sqlite.ts"
import { memoryPlatform } from "../platform/memory/memory-platform.ts"
import type { Platform } from "../platform/port.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { WorkerHost } from "../worker/worker-host.ts"

/** A clock that `pass` alone advances. */
function clockHost() {
  let nowMs = 1_000
  const timers = new Set<{ atMs: number; run: () => void }>()
  const host: Host = {
    ...browserHost,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  }
  const pass = (ms: number) => {
    nowMs += ms
    for (const timer of [...timers]) if (timer.atMs <= nowMs && timers.delete(timer)) timer.run()
  }
  return { host, pass, timers }
}

const anyText = {
  "~standard": { version: 1, vendor: "lf", validate: (value: unknown) => ({ value: String(value) }) },
} as const
const Add = defineMutation("Add", anyText, (tx, args) => {
  const id = String(args)
  if (id.startsWith("bad") && tx.side === "remote") throw new Reject("not-welcome", null)
  tx.run(sql`insert into items values (${id})`)
})
export const itemsMutator = defineMutator({
  migrations: [sql`create table items (id text primary key) strict`],
  mutations: [Add],
})

type Opening = Partial<Omit<Extract<TabMessage, { type: "open" }>, "type">>

/** A tab, as its worker sees it. */
export class SceneTab {
  readonly received: WorkerMessage[] = []
  isClosed = false
  #say: (message: TabMessage) => void = () => {}

  constructor(worker: WorkerHost) {
    const port: Port<WorkerMessage, TabMessage> = {
      post: (message) => this.received.push(message),
      listen: (listener) => {
        this.#say = listener
      },
      close: () => {
        this.isClosed = true
      },
    }
    worker.accept(port)
  }

  open(opening: Opening = {}): this {
    const url = "http://localhost/api/lf"
    this.say({ type: "open", doc: "d", user: null, url, hasAuth: false, tab: "t", connection: 1, ...opening })
    return this
  }

  say(...messages: TabMessage[]): void {
    for (const message of messages) this.#say(message)
  }

  count(type: WorkerMessage["type"]): number {
    return this.received.filter((message) => message.type === type).length
  }

  last<Type extends WorkerMessage["type"]>(type: Type): Extract<WorkerMessage, { type: Type }> | undefined {
    return this.received.findLast((message) => message.type === type) as never // it has that type
  }

  get state() {
    return this.last("state")?.state
  }
}

/** A worker on memory, with a clock that `pass` alone advances, and records of its effects. */
export class WorkerScene {
  readonly clock = clockHost()
  /** The locks that are held. */
  readonly owned = new Set<string>()
  /** How often a document was opened. */
  opened = 0
  /** Addresses that documents were connected to, attempts to connect, and how often the worker ended itself. */
  readonly urls: string[] = []
  tries = 0
  ended = 0
  /** Another worker's request to the holder of a document's lock. */
  onAsked: (migrations: number, isTwin?: boolean) => boolean = () => false
  /** The liveness locks that are watched. */
  readonly watched = new Map<string, () => void>()
  /** Ends the log that was opened last. */
  endLog: (error: LfError) => void = () => {}
  /** The error of the next openings of a log. */
  readonly failures: LfError[] = []
  readonly platform: Platform
  readonly worker: WorkerHost

  constructor({ network, change = (platform) => platform }: SceneOptions = {}) {
    this.platform = change(this.#platformOf(memoryPlatform(network ?? nowhere)))
    this.worker = new WorkerHost({ mutator: itemsMutator, platform: this.platform, end: () => this.ended++ })
  }

  tab(opening: Opening = {}): SceneTab {
    return new SceneTab(this.worker).open(opening)
  }

  /** Whether a timer is armed that fires in `ms`. */
  isArmed(ms: number): boolean {
    const { host, timers } = this.clock
    return [...timers].some(({ atMs }) => atMs === host.monotonicMs() + ms)
  }

  pass(ms: number): void {
    this.clock.pass(ms)
  }

  #platformOf(memory: Platform): Platform {
    return {
      ...memory,
      host: this.clock.host,
      holdLivenessLock: async () => "lf/1/life/worker",
      own: async (name, options) => {
        const { release } = await memory.own(name, options)
        this.onAsked = (migrations, isTwin = false) => options.onAsked(migrations, isTwin)
        this.owned.add(name)
        this.opened++
        return {
          release: () => {
            this.owned.delete(name)
            release()
          },
        }
      },
      openLog: async (key) => {
        const failure = this.failures.shift()
        if (failure !== undefined) throw failure
        const { log, ...rest } = await memory.openLog(key)
        const watch = (onEnd: (error: LfError) => void) => {
          this.endLog = onEnd
        }
        const { isDurable } = log
        const watched = {
          isDurable,
          append: log.append.bind(log),
          rollup: log.rollup.bind(log),
          close: log.close.bind(log),
          watch,
        }
        return { ...rest, log: watched }
      },
      network: (url) => {
        this.urls.push(url)
        const network = memory.network(url)
        return {
          connect: () => {
            this.tries++
            return network.connect()
          },
        }
      },
      watchLivenessLock: (lock, onGone) => {
        this.watched.set(lock, onGone)
        return () => void this.watched.delete(lock)
      },
    }
  }
}

export interface SceneOptions {
  readonly network?: Network
  readonly change?: (platform: Platform) => Platform
}

const nowhere: Network = { connect: () => Promise.reject(new LfError("SERVER_CLOSING", "no server")) }
let uids = 0

/** Adds an item; its uid has the time `ms`. */
export function adding(id: string, ms = 0) {
  const time = ms.toString(16).padStart(12, "0")
  const uid = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(++uids).padStart(12, "0")}`
  return { type: "mutate" as const, uid, name: "Add", args: id }
}

export const itemsQuery = { sql: "select id from items order by id", parameters: [] }

/** A server that accepts every connection as `user`. */
export async function itemsServer(user: string | null = null) {
  const opened = await new MemoryDisk().open("d")
  const remote = await Remote.recover({
    opened,
    loadSqlite: loadSqliteAnywhere,
    mutator: itemsMutator,
    host: browserHost,
  })
  const network = new MemoryNetwork((pipe) => {
    const openDocument = async () => ({ remote, release: () => {} })
    new ClientConnection({ pipe, host: browserHost, admission: { authorize: async () => ({ user }), openDocument } })
  })
  return { remote, network }
}
