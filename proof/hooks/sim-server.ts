// The server of a page's documents, in the page's own process.
import { LfError } from "@lf/core"
import { ClientConnection, type Hello, type LoadSqlite, MemoryDisk, MemoryNetwork, Remote } from "@lf/core/internal"
import { admission, type SeededRandom } from "@lf/core/testing"
import { ProcessHost } from "./process-host.ts"
import { mutator } from "./shop.ts"

export const docs = ["a", "b"] as const
export type Doc = (typeof docs)[number]

/** Both documents at their server. Authenticates a client by its token; one without is signed out. */
export class SimServer {
  readonly #random: SeededRandom
  readonly #load: LoadSqlite
  readonly #remotes = new Map<string, Remote>()
  /** What it answers to a hello. */
  mood: "welcomes" | "forbids" | "fails" = "welcomes"
  readonly network = new MemoryNetwork((pipe) => {
    const admit = (hello: Hello) => {
      if (this.mood === "forbids") throw new LfError("FORBIDDEN", "authorize() refused")
      if (this.mood === "fails") throw new LfError("AUTHORIZE_FAILED", "authorize() threw")
      const remote = this.remote(hello.docId)
      return { remote, user: hello.token === "" ? null : hello.token }
    }
    new ClientConnection({ pipe, host: this.#host, admission: admission(admit) })
  })
  readonly #host: ProcessHost

  constructor(random: SeededRandom, load: LoadSqlite) {
    this.#random = random
    this.#load = load
    this.#host = new ProcessHost(this.#random.fork())
  }

  async start(): Promise<void> {
    const disk = new MemoryDisk()
    for (const doc of docs) {
      const options = { opened: await disk.open(doc), loadSqlite: this.#load, mutator, host: this.#host }
      this.#remotes.set(doc, await Remote.recover(options))
    }
  }

  remote(doc: string): Remote {
    const remote = this.#remotes.get(doc)
    if (remote === undefined) throw new LfError("DOC_NOT_FOUND", "there is no such document")
    return remote
  }

  async stop(): Promise<void> {
    this.network.setOnline(false)
    for (const remote of this.#remotes.values()) await remote.close().catch(() => {}) // its wasm goes with it
    this.#host.isAlive = false
  }
}
