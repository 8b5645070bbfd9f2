import { defineMutation, defineMutator, LfError, sql } from "@lf/core"
import { expect, test, vi } from "vitest"
import { z } from "zod"
import { memoryPlatform } from "../platform/memory/memory-platform.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { WorkerHost } from "./worker-host.ts"

const Add = defineMutation("Add", z.object({ id: z.string() }), (tx, { id }) => {
  tx.run(sql`insert into items values (${id})`)
})
const mutator = defineMutator({ migrations: [sql`create table items (id text primary key) strict`], mutations: [Add] })

/** A tab, as its worker sees it. */
class Tab {
  readonly received: WorkerMessage[] = []
  #say: (message: TabMessage) => void = () => {}

  constructor(worker: WorkerHost, { tab, connection }: { tab: string; connection: number }) {
    const port: Port<WorkerMessage, TabMessage> = {
      post: (message) => this.received.push(message),
      listen: (listener) => {
        this.#say = listener
      },
      close: () => {},
    }
    worker.accept(port)
    this.say({ type: "open", doc: "d", user: null, url: "http://localhost/api/lf", hasAuth: false, tab, connection })
    this.say({ type: "life", lock: "lf/1/life/a" })
  }

  say(message: TabMessage): void {
    this.#say(message)
  }

  async receives(type: WorkerMessage["type"]): Promise<void> {
    await vi.waitFor(() => expect(this.received.map((message) => message.type)).toContain(type), { timeout: 5_000 })
  }
}

const offline = { connect: () => Promise.reject(new LfError("SERVER_CLOSING", "no server")) }

test("a tab whose lock is invisible is sent a restart, and served from then on (I21, T28)", async () => {
  // Cleared site data: to the worker every tab's lock is free.
  const watchLivenessLock = (_lock: string, onGone: () => void) => {
    queueMicrotask(onGone)
    return () => {}
  }
  const worker = new WorkerHost({ mutator, platform: { ...memoryPlatform(offline), watchLivenessLock }, end: () => {} })
  await new Tab(worker, { tab: "t", connection: 1 }).receives("restarting")
  const again = new Tab(worker, { tab: "t", connection: 2 })
  again.say({ type: "mutate", uid: "u1", name: "Add", args: { id: "1" } })
  await again.receives("mutated")
  expect(again.received.map(({ type }) => type)).not.toContain("restarting")
})

let uids = 0
const add = (id: string) => {
  const uid = `00000000-0000-7000-8000-${String(++uids).padStart(12, "0")}`
  return { type: "mutate" as const, uid, name: "Add", args: { id } }
}
const clear = { type: "clear" as const, call: 1, pending: "discard" as const }
const ids = { type: "query" as const, call: 9, sql: "select id from items order by id", parameters: [] }

async function rowsAt(tab: Tab): Promise<unknown> {
  tab.say(ids)
  const answer = () => tab.received.find((message) => message.type === "answer" && message.call === ids.call)
  await vi.waitFor(() => expect(answer()).toBeDefined(), { timeout: 5_000 })
  return answer()
}

test("a clear that is repeated on a new connection runs once; later writes stay (H1)", async () => {
  const worker = new WorkerHost({ mutator, platform: memoryPlatform(offline), end: () => {} })
  const first = new Tab(worker, { tab: "t", connection: 1 })
  first.say(clear)
  await first.receives("restarting")
  const second = new Tab(worker, { tab: "t", connection: 2 })
  second.say(add("behind"))
  second.say(clear)
  await second.receives("mutated")
  await second.receives("answer")
  expect(await rowsAt(new Tab(worker, { tab: "u", connection: 1 }))).toMatchObject({ value: [{ id: "behind" }] })
})

test("late messages on a tab's older connection, and that connection, are ignored (I9)", async () => {
  const worker = new WorkerHost({ mutator, platform: memoryPlatform(offline), end: () => {} })
  const old = new Tab(worker, { tab: "t", connection: 1 })
  const now = new Tab(worker, { tab: "t", connection: 3 })
  old.say(add("late"))
  new Tab(worker, { tab: "t", connection: 2 }).say(add("later"))
  now.say(add("now"))
  await now.receives("mutated")
  expect(await rowsAt(now)).toMatchObject({ value: [{ id: "now" }] })
})
