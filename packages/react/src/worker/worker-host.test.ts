import { defineMutation, defineMutator, LfError, sql } from "@lf/core"
import { expect, test, vi } from "vitest"
import { z } from "zod"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { memoryPlatform } from "../testing/memory-platform.ts"
import { WorkerHost } from "./worker-host.ts"

const Add = defineMutation("Add", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`insert into items values (${id})`)
})
const mutator = defineMutator({ migrations: [sql`create table items (id text primary key) strict`], mutations: [Add] })

/** A tab, as its worker sees it. */
class Tab {
  readonly heard: WorkerMessage[] = []
  #say: (message: TabMessage) => void = () => {}

  constructor(worker: WorkerHost) {
    const port: Port<WorkerMessage, TabMessage> = {
      post: (message) => this.heard.push(message),
      listen: (listener) => {
        this.#say = listener
      },
      close: () => {},
    }
    worker.accept(port)
    this.say({ type: "open", doc: "d", user: null, url: "http://localhost/api/lf", hasAuth: false })
    this.say({ type: "life", lock: "lf/1/life/a" })
  }

  say(message: TabMessage): void {
    this.#say(message)
  }

  async hears(type: WorkerMessage["type"]): Promise<void> {
    await vi.waitFor(() => expect(this.heard.map((message) => message.type)).toContain(type), { timeout: 5_000 })
  }
}

test("I21 T28 a tab whose lock cannot be seen is told to come back, and is served from then on", async () => {
  const offline = { connect: () => Promise.reject(new LfError("SERVER_CLOSING", "no server")) }
  // Cleared site data: to the worker every tab's lock is free.
  const watchLife = (_lock: string, onGone: () => void) => {
    queueMicrotask(onGone)
    return () => {}
  }
  const worker = new WorkerHost({ mutator, platform: { ...memoryPlatform(offline), watchLife }, end: () => {} })
  await new Tab(worker).hears("restarting")
  const again = new Tab(worker)
  again.say({ type: "mutate", uid: "u1", name: "Add", args: { id: "1" } })
  await again.hears("mutated")
  expect(again.heard.map(({ type }) => type)).not.toContain("restarting")
})
