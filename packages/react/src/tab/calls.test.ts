import { LfError } from "@lf/core"
import { type compileQuery, lsn } from "@lf/core/internal"
import { expect, test } from "vitest"
import type { SentError, TabMessage } from "../rpc/protocol.ts"
import { Calls } from "./calls.ts"
import { TabQueries } from "./tab-queries.ts"

const failure = new LfError("WORKER_FAILED", "gone")
const sentFailure: SentError = { code: "WORKER_FAILED", message: "gone" }
const applied = { type: "applied", lsn: lsn(1) } as const
const mutation = (uid: string) => ({ type: "mutate" as const, uid, name: "Add", args: null })
const clear = (call: number) => ({ type: "clear" as const, call, pending: "discard" as const })
const dismiss = (call: number) => ({ type: "dismiss" as const, call, uid: "u" })

/** Every way in which a promise settled. A promise has one; `calls` must give it exactly then. */
function noted(promise: Promise<unknown>): string[] {
  const ways: string[] = []
  promise.then(
    () => ways.push("kept"),
    (error: LfError) => ways.push(error.code),
  )
  return ways
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0))
const namesOf = (messages: readonly TabMessage[]) =>
  messages.map((message) => (message.type === "mutate" ? message.uid : message.type))

test("calls are asked again in their order: a clear stays before what was written behind it (H1)", () => {
  const calls = new Calls()
  void calls.openMutation(mutation("before"), true)
  void calls.open(1, clear(1), true)
  void calls.openMutation(mutation("behind"), true)
  void calls.open(2, dismiss(2), true)
  expect(namesOf(calls.unanswered())).toEqual(["before", "clear", "behind", "dismiss"])
})

test("what is durable is only followed, and that is asked before everything else (H1)", async () => {
  const calls = new Calls()
  const durable = calls.openMutation(mutation("durable"), true)
  void calls.openMutation(mutation("open"), true)
  calls.settleMutation("durable", null)
  await durable
  expect(calls.unanswered()).toEqual([{ type: "follow", uids: ["durable"] }, mutation("open")])
})

test("a call that the server decided is not asked again, and settles (I9)", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  calls.decide([{ uid: "u", outcome: applied }])
  expect(calls.unanswered()).toEqual([])
  await expect((await receipt).remote).resolves.toEqual(applied)
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, false])
})

test("a decision that comes before the receipt is not followed for ever (H1)", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  calls.decide([{ uid: "u", outcome: applied }])
  expect(calls.isWaiting).toBe(true)
  calls.settleMutation("u", null)
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, false])
  await expect((await receipt).remote).resolves.toEqual(applied)
})

test("a decision that comes after the receipt ends the following (H1)", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  calls.settleMutation("u", null)
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, true])
  calls.decide([{ uid: "u", outcome: applied }])
  expect(calls.isFollowing).toBe(false)
  await expect((await receipt).remote).resolves.toEqual(applied)
})

test("what a live worker was asked is not failed by failUnasked (H1)", async () => {
  const calls = new Calls()
  const asked = [noted(calls.open(1, dismiss(1), true)), noted(calls.openMutation(mutation("asked"), true))]
  const unasked = [noted(calls.open(2, dismiss(2), false)), noted(calls.openMutation(mutation("unasked"), false))]
  calls.failUnasked(failure)
  await turn()
  expect(asked).toEqual([[], []])
  expect(unasked).toEqual([["WORKER_FAILED"], ["WORKER_FAILED"]])
  expect(namesOf(calls.unanswered())).toEqual(["dismiss", "asked"])
})

test("what waited when a worker came counts as asked (H1)", async () => {
  const calls = new Calls()
  const ways = [noted(calls.open(1, dismiss(1), false)), noted(calls.openMutation(mutation("u"), false))]
  calls.markAsked()
  calls.failUnasked(failure)
  await turn()
  expect(ways).toEqual([[], []])
  calls.failAll(failure)
  await turn()
  expect(ways).toEqual([["WORKER_FAILED"], ["WORKER_FAILED"]])
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, false])
})

test("an answer that comes twice, or after a failure, settles nothing again (H1)", async () => {
  const calls = new Calls()
  const call = noted(calls.open(1, dismiss(1), true))
  const refused = noted(calls.openMutation(mutation("u"), true))
  calls.settle(1, null, null)
  calls.settle(1, null, sentFailure)
  calls.settleMutation("u", sentFailure)
  calls.settleMutation("u", null)
  calls.decide([{ uid: "u", outcome: applied }])
  calls.failAll(failure)
  await turn()
  expect([call, refused]).toEqual([["kept"], ["WORKER_FAILED"]])
})

test("an unanswered call ends with a typed error after so many ticks, and not before (H1)", async () => {
  const calls = new Calls()
  const ways = [noted(calls.open(1, dismiss(1), true)), noted(calls.openMutation(mutation("u"), true))]
  for (let i = 0; i < 11; i++) calls.tick(failure)
  await turn()
  expect(ways).toEqual([[], []])
  calls.tick(failure)
  await turn()
  expect(ways).toEqual([["WORKER_FAILED"], ["WORKER_FAILED"]])
  expect(calls.isWaiting).toBe(false)
})

test("a decision that cannot be received is unknown, never a guess (H1)", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  const open = noted(calls.openMutation(mutation("open"), true))
  calls.settleMutation("u", null)
  calls.forgetFollowed()
  await expect((await receipt).remote).resolves.toEqual({ type: "unknown", reason: "forgotten" })
  expect(calls.isFollowing).toBe(false)
  expect(open).toEqual([])
  expect(calls.isWaiting).toBe(true)
})

const query: ReturnType<typeof compileQuery> = { sql: "select 1", parameters: [] }
const rows = { type: "rows", rows: [], asksClock: false } as const

function tabQueries() {
  const posted: TabMessage[] = []
  const queries = new TabQueries((message) => posted.push(message))
  const received: [string, number | null][] = []
  const subscription = queries.add(1, {
    query,
    joined: undefined,
    listener: ({ type }, turn) => received.push([type, turn]),
  })
  return { posted, queries, received, subscription }
}

test("a query waits until its rows come (H3)", () => {
  const { queries, received } = tabQueries()
  expect(queries.isWaiting).toBe(true)
  queries.deliver([{ id: 1, result: rows }])
  expect(queries.isWaiting).toBe(false)
  expect(received).toEqual([["rows", 0]])
})

test("a stopped query is no longer awaited, and its listener is not called (H3)", () => {
  const { queries, received, posted, subscription } = tabQueries()
  subscription.stop()
  subscription.stop()
  queries.deliver([{ id: 1, result: rows }])
  expect([queries.isWaiting, queries.size, received.length]).toEqual([false, 0, 0])
  expect(posted.map(({ type }) => type)).toEqual(["subscribe", "unsubscribe"])
})

test("a query that will not be answered gets an error, and is no longer awaited (H3)", () => {
  const { queries, received } = tabQueries()
  queries.fail(sentFailure)
  expect(queries.isWaiting).toBe(false)
  expect(received).toEqual([["error", 0]])
  queries.deliver([{ id: 1, result: rows }])
  expect(received).toEqual([
    ["error", 0],
    ["rows", 0],
  ])
})

test("a refresh waits for its own run; an earlier change does not end the wait (H3)", () => {
  const { queries, received, posted, subscription } = tabQueries()
  queries.deliver([{ id: 1, result: rows }])
  expect([subscription.refresh(), subscription.refresh()]).toEqual([1, 2])
  queries.deliver([{ id: 1, result: rows }])
  queries.deliver([{ id: 1, result: { type: "same" }, turn: 1 }])
  expect(queries.isWaiting).toBe(true)
  queries.deliver([{ id: 1, result: { type: "same" }, turn: 2 }])
  expect(queries.isWaiting).toBe(false)
  expect(received.map(([, turn]) => turn)).toEqual([0, null, 1, 2])
  expect(posted.map(({ type }) => type)).toEqual(["subscribe", "refresh", "refresh"])
})

test("a refresh at a worker that died is answered by the first rows of the next one (H3)", () => {
  const { queries, received, posted, subscription } = tabQueries()
  queries.deliver([{ id: 1, result: rows }])
  subscription.refresh()
  queries.askAgain()
  queries.deliver([{ id: 1, result: rows }])
  expect(queries.isWaiting).toBe(false)
  expect(received.map(([, turn]) => turn)).toEqual([0, 1])
  expect(posted.map(({ type }) => type)).toEqual(["subscribe", "refresh", "subscribe"])
})
