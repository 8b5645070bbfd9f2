import { LfError, type Outcome, type RejectedMutation } from "@lf/core"
import { type LiveResult, Presences } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { browserHost } from "../platform/browser/browser-host.ts"
import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import type { OpenDocument } from "./open-document.ts"
import { type DocumentsOfUser, TabPort } from "./tab-port.ts"
import type { TokenDesk } from "./token-desk.ts"

const turn = () => new Promise((resolve) => setTimeout(resolve, 0))
const full = new LfError("LOG_FULL", "the disk is full")
const rejection = (uid: string) => ({ uid, code: "no" }) as unknown as RejectedMutation // all that is handed on

/** A tab of a document that the test controls, and all messages to the tab. */
function setUp({ isOpen = true } = {}) {
  const received: WorkerMessage[] = []
  const asked: string[] = []
  const desk: string[] = []
  const refreshes: (() => void)[] = []
  const listeners: ((result: LiveResult) => void)[] = []
  const stopped: number[] = []
  let isClosed = false
  let decide: (outcome: Outcome) => void = () => {}
  const remote = new Promise<Outcome>((resolve) => {
    decide = resolve
  })
  const local = {
    run: (name: string) => {
      if (name === "Refused") throw full
      asked.push(`run ${name}`)
      return { durable: name === "Lost" ? Promise.reject(full) : Promise.resolve(), remote }
    },
    follow: (uid: string) => {
      asked.push(`follow ${uid}`)
      return { remote }
    },
    dismiss: (uid: string) => void asked.push(`dismiss ${uid}`),
    reads: { read: async () => [{ n: 1 }], whenDelivered: async () => void asked.push("delivered") },
    subscribe: (_query: unknown, notify: (result: LiveResult) => void) => {
      const index = listeners.push(notify) - 1
      return { stop: () => stopped.push(index), refresh: (done: () => void) => refreshes.push(done) }
    },
  }
  let open: (value: typeof local) => void = () => {}
  const opened = new Promise<typeof local>((resolve) => {
    open = resolve
  })
  const document = {
    state: { status: "connected" },
    rejections: [rejection("old")],
    isCleared: false,
    local: opened,
    pendingParts: () => ({ claimed: [], range: null, after: () => [] }),
    use: async (work: (one: typeof local) => unknown) => {
      if (!isOpen) throw full
      return await work(local)
    },
    checkNotMoved: () => {},
    presences: new Presences(browserHost),
    setOnline: (online: boolean) => asked.push(`online ${online}`),
    poke: () => asked.push("poke"),
    clear: async (pending: string) => {
      asked.push(`clear ${pending}`)
      if (pending === "refuse") throw full
    },
    reopen: () => asked.push("reopen"),
  }
  const tab = new TabPort({
    tab: "tab",
    documents: {} as unknown as DocumentsOfUser, // nothing is asked of them
    port: {
      post: (message) => received.push(message),
      listen: () => {},
      close: () => {
        isClosed = true
      },
    },
    document: document as unknown as OpenDocument, // all that a port asks of it
    desk: {
      add: () => desk.push("add"),
      remove: () => desk.push("remove"),
      answer: (_: unknown, ask: number, answer: { type: string }) => desk.push(`${ask} ${answer.type}`),
    } as unknown as TokenDesk, // as above
    hasAuth: true,
    once: (_call, clear) => clear(),
    joined: () => {
      throw new Error("these tabs read one document")
    },
  })
  return {
    tab,
    received,
    asked,
    desk,
    listeners,
    refreshes,
    stopped,
    document,
    open: () => open(local),
    decide: (outcome: Outcome) => decide(outcome),
    isClosed: () => isClosed,
    /** Sends a message; returns what the tab receives from then on. */
    async says(...messages: TabMessage[]): Promise<WorkerMessage[]> {
      const from = received.length
      for (const message of messages) tab.handle(message)
      await turn()
      return received.slice(from)
    },
  }
}

const subscribe = (id: number): TabMessage => ({ type: "subscribe", id, sql: "select 1 n", parameters: [] })
const mutate = (uid: string, name = "Add"): TabMessage => ({ type: "mutate", uid, name, args: null })
const rows: LiveResult = { type: "rows", rows: [{ n: 1 }], asksClock: false }

test("a tab is first sent the state, once, and all rejections", async () => {
  const { tab, received, document, desk } = setUp()
  tab.postState()
  await turn()
  expect(received).toEqual([
    { type: "rejected", change: { type: "all", items: document.rejections } },
    { type: "state", state: document.state },
  ])
  expect(desk).toEqual(["add"])
})

describe("a mutation (H1)", () => {
  test("is answered when durable and its rows are delivered, and decided once by the server", async () => {
    const { says, asked, decide, received } = setUp()
    expect(await says(mutate("a"), mutate("b"))).toContainEqual({ type: "mutated", uid: "a", error: null })
    expect(asked).toEqual(["run Add", "run Add", "delivered", "delivered"])
    decide({ type: "unknown", reason: "forgotten" })
    await turn()
    const outcome = { type: "unknown", reason: "forgotten" }
    expect(received.filter(({ type }) => type === "decided")).toEqual([
      {
        type: "decided",
        outcomes: [
          { uid: "a", outcome },
          { uid: "b", outcome },
        ],
      },
    ])
  })

  test("that is refused, not kept, or of a document that is not open, is answered with the error", async () => {
    const error = expect.objectContaining({ code: "LOG_FULL" })
    for (const [given, name] of [
      [setUp(), "Refused"],
      [setUp(), "Lost"],
      [setUp({ isOpen: false }), "Add"],
    ] as const)
      expect(await given.says(mutate("a", name))).toContainEqual({ type: "mutated", uid: "a", error })
  })

  test("of before is followed, and of one that cannot be nothing is said", async () => {
    const { says, asked, decide, received } = setUp()
    await says({ type: "follow", uids: ["a", "b"] })
    decide({ type: "unknown", reason: "forgotten" })
    await turn()
    expect(asked).toEqual(["follow a", "follow b"])
    expect(received.at(-1)).toMatchObject({ type: "decided", outcomes: [{ uid: "a" }, { uid: "b" }] })
    const away = setUp({ isOpen: false })
    expect((await away.says({ type: "follow", uids: ["a"] })).map(({ type }) => type)).not.toContain("decided")
  })
})

describe("a call (H1)", () => {
  test("is answered with its value, or with the error", async () => {
    const query: TabMessage = { type: "query", call: 1, sql: "select 1 n", parameters: [] }
    const given = setUp()
    expect(await given.says(query, { type: "dismiss", call: 2, uid: "u" })).toEqual(
      expect.arrayContaining([
        { type: "answer", call: 1, value: [{ n: 1 }], error: null },
        expect.objectContaining({ type: "answer", call: 2, error: null }),
      ]),
    )
    expect(given.asked).toEqual(["dismiss u"])
    expect(await setUp({ isOpen: false }).says(query)).toContainEqual({
      type: "answer",
      call: 1,
      value: null,
      error: expect.objectContaining({ code: "LOG_FULL" }),
    })
  })

  test("to clear is answered before the document reopens, also when clearing failed", async () => {
    for (const [pending, error] of [
      ["discard", null],
      ["refuse", expect.objectContaining({ code: "LOG_FULL" })],
    ] as const) {
      const { says, asked, document } = setUp()
      document.isCleared = true
      expect(await says({ type: "clear", call: 3, pending })).toEqual([{ type: "answer", call: 3, value: null, error }])
      expect(asked).toEqual([`clear ${pending}`, "reopen"])
    }
  })
})

describe("a subscription", () => {
  test("gets the results of one commit in one message (I6)", async () => {
    const { says, listeners, received } = setUp()
    await says(subscribe(1), subscribe(2))
    const from = received.length
    for (const notify of listeners) notify(rows)
    await turn()
    listeners[0]({ type: "error", error: full })
    await turn()
    expect(received.slice(from)).toEqual([
      {
        type: "results",
        results: [
          { id: 1, result: rows },
          { id: 2, result: rows },
        ],
      },
      {
        type: "results",
        results: [{ id: 1, result: { type: "error", error: expect.objectContaining({ code: "LOG_FULL" }) } }],
      },
    ])
  })

  test("is made once per id, and is stopped when the tab says so or goes", async () => {
    const { says, listeners, stopped, tab, isClosed, desk } = setUp()
    await says(subscribe(1), subscribe(1), subscribe(2))
    expect(listeners).toHaveLength(2)
    await says({ type: "unsubscribe", id: 1 }, { type: "unsubscribe", id: 9 })
    expect(stopped).toEqual([0])
    await says(subscribe(1))
    expect(listeners).toHaveLength(3)
    tab.close()
    tab.close()
    expect([stopped.sort(), isClosed(), desk]).toEqual([[0, 1, 2], true, ["add", "remove"]])
  })

  test("of a document that does not open gets the reason, and rows when it opens after all (H3)", async () => {
    const { says, listeners, open } = setUp({ isOpen: false })
    expect(await says(subscribe(1))).toContainEqual({
      type: "results",
      results: [{ id: 1, result: { type: "error", error: expect.objectContaining({ code: "LOG_FULL" }) } }],
    })
    expect(listeners).toHaveLength(0)
    open()
    await turn()
    expect(listeners).toHaveLength(1)
  })

  test("that was stopped before its document opened is not made (H5)", async () => {
    const { says, listeners, open } = setUp({ isOpen: false })
    await says(subscribe(1), { type: "unsubscribe", id: 1 })
    open()
    await turn()
    expect(listeners).toHaveLength(0)
  })

  test("a refresh is answered with its turn when it has run, or with why it cannot (H3)", async () => {
    const { says, refreshes } = setUp()
    await says(subscribe(1))
    expect(await says({ type: "refresh", id: 1, turn: 4 })).toEqual([])
    refreshes[0]()
    expect(await says()).toEqual([{ type: "results", results: [{ id: 1, result: { type: "same" }, turn: 4 }] }])
    const away = setUp({ isOpen: false })
    expect(await away.says({ type: "refresh", id: 1, turn: 5 })).toContainEqual({
      type: "results",
      results: [{ id: 1, result: { type: "error", error: expect.objectContaining({ code: "LOG_FULL" }) }, turn: 5 }],
    })
  })
})

test("what needs no answer reaches the document and the desk", async () => {
  const { tab, says, asked, desk } = setUp()
  await says({ type: "set-online", online: false }, { type: "poke" }, { type: "shown", isShown: false })
  expect([asked, tab.isShown]).toEqual([["online false", "poke"], false])
  await says({ type: "token", ask: 7, answer: { type: "none" } }, { type: "auth", hasAuth: false })
  expect([desk, tab.hasAuth, asked.length]).toEqual([["add", "7 none", "remove"], false, 2])
  await says({ type: "auth", hasAuth: true })
  expect([desk.at(-1), tab.hasAuth, asked.at(-1)]).toEqual(["add", true, "poke"])
  tab.wantToken(8)
  expect(await says()).toEqual([])
})

test("rejections that come together are one message: those that came and those that went", async () => {
  const { tab, says } = setUp()
  await turn()
  tab.postRejection({ type: "rejected", rejection: rejection("new") })
  tab.postRejection({ type: "dismissed", uid: "old" })
  expect(await says()).toEqual([
    { type: "rejected", change: { type: "change", added: [rejection("new")], removed: ["old"] } },
  ])
})

test("pending mutations are sent while they are watched, starting with all of them (H6)", async () => {
  const { says, tab } = setUp()
  await turn()
  const pending = (messages: WorkerMessage[]) => messages.filter(({ type }) => type === "pending")
  expect(pending(await says({ type: "watch-pending", on: true }))).toEqual([
    { type: "pending", change: { type: "all", items: [] } },
  ])
  expect(pending(await says({ type: "watch-pending", on: false }))).toEqual([])
  tab.postState()
  expect((await says()).map(({ type }) => type)).toEqual(["state"])
})

test("of a cleared document a tab is sent only decisions and restarts; a closed tab nothing (H5)", async () => {
  const { tab, received, document } = setUp()
  await turn()
  const from = received.length
  document.isCleared = true
  for (const message of [
    { type: "decided", outcomes: [] },
    { type: "restarting" },
    { type: "released" },
    { type: "rejected", change: { type: "all", items: [] } },
  ] as WorkerMessage[])
    tab.post(message)
  expect(received.slice(from).map(({ type }) => type)).toEqual(["decided", "restarting"])
  document.isCleared = false
  tab.postState()
  tab.close()
  tab.postState()
  tab.post({ type: "restarting" } as WorkerMessage)
  await turn()
  expect(received).toHaveLength(from + 2)
})
