import { AddTodo, mutator } from "../../app/lf/mutators.ts"
import { Local, MemoryDisk, Session } from "../../packages/core/src/index.ts"
import { loadSqlite } from "../../packages/next/src/node/load-sqlite.ts"
import { nodeHost } from "../../packages/next/src/node/node-host.ts"
import { wsNetwork } from "../../packages/next/src/node/ws-network.ts"

/** Between two mutations. */
const PAUSE_MS = 6

/** A user who writes all the time, over a real WebSocket. */
export class Client {
  readonly local: Local
  readonly session: Session
  readonly sent: string[] = []
  /** What must never be seen here: other pages, another epoch. */
  readonly trouble = new Set<string>()
  readonly #timer: ReturnType<typeof setInterval>
  #port: number

  private constructor(local: Local, port: number, docId: string) {
    this.local = local
    this.#port = port
    let epoch = ""
    this.session = new Session({
      docId,
      local,
      network: { connect: () => wsNetwork(`ws://127.0.0.1:${this.#port}/api/lf`).connect() },
      host: nodeHost,
      onChange: () => {
        // A killed server is no trouble: the session says why it is offline, and tries again.
        const { status, error } = this.session?.state ?? {}
        if (error && status !== "offline") this.trouble.add(error.code)
        if (epoch !== "" && local.epoch !== epoch) this.trouble.add("a new epoch")
        epoch = local.epoch
      },
    })
    this.#timer = setInterval(() => this.#add(), PAUSE_MS)
  }

  static async start(port: number, docId: string): Promise<Client> {
    const opened = await new MemoryDisk().open(docId)
    const local = new Local({ opened, module: await loadSqlite(), mutator, host: nodeHost, user: null })
    return new Client(local, port, docId)
  }

  /** Its server is dead: the next attempt goes to this one, and is made now. */
  turnTo(port: number): void {
    this.#port = port
    this.session.poke()
  }

  rest(): void {
    clearInterval(this.#timer)
  }

  async stop(): Promise<void> {
    this.rest()
    this.session.stop()
    await this.local.close()
  }

  #add(): void {
    const id = crypto.randomUUID()
    this.sent.push(id)
    this.local.run(AddTodo.name, { id, title: "one more" })
  }
}
