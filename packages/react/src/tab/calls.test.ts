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

test("H1 calls are asked again in their order: a clear stays before what was written behind it", () => {
  const calls = new Calls()
  void calls.openMutation(mutation("before"), true)
  void calls.open(1, clear(1), true)
  void calls.openMutation(mutation("behind"), true)
  void calls.open(2, dismiss(2), true)
  expect(namesOf(calls.unanswered())).toEqual(["before", "clear", "behind", "dismiss"])
})

test("H1 what is durable is only followed, and that is asked before everything else", async () => {
  const calls = new Calls()
  const durable = calls.openMutation(mutation("durable"), true)
  void calls.openMutation(mutation("open"), true)
  calls.settleMutation("durable", null)
  await durable
  expect(calls.unanswered()).toEqual([{ type: "follow", uids: ["durable"] }, mutation("open")])
})

test("I9 a call that the server decided is not asked again, and settles", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  calls.decide([{ uid: "u", outcome: applied }])
  expect(calls.unanswered()).toEqual([])
  await expect((await receipt).remote).resolves.toEqual(applied)
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, false])
})

test("H1 a decision that comes before the receipt is not followed for ever", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  calls.decide([{ uid: "u", outcome: applied }])
  expect(calls.isWaiting).toBe(true)
  calls.settleMutation("u", null)
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, false])
  await expect((await receipt).remote).resolves.toEqual(applied)
})

test("H1 a decision that comes after the receipt ends the following", async () => {
  const calls = new Calls()
  const receipt = calls.openMutation(mutation("u"), true)
  calls.settleMutation("u", null)
  expect([calls.isWaiting, calls.isFollowing]).toEqual([false, true])
  calls.decide([{ uid: "u", outcome: applied }])
  expect(calls.isFollowing).toBe(false)
  await expect((await receipt).remote).resolves.toEqual(applied)
})

test("H1 what a living worker was asked is not failed by failUnasked", async () => {
  const calls = new Calls()
  const asked = [noted(calls.open(1, dismiss(1), true)), noted(calls.openMutation(mutation("asked"), true))]
  const unasked = [noted(calls.open(2, dismiss(2), false)), noted(calls.openMutation(mutation("unasked"), false))]
  calls.failUnasked(failure)
  await turn()
  expect(asked).toEqual([[], []])
  expect(unasked).toEqual([["WORKER_FAILED"], ["WORKER_FAILED"]])
  expect(namesOf(calls.unanswered())).toEqual(["dismiss", "asked"])
})

test("H1 what waited when a worker came counts as asked", async () => {
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

test("H1 an answer that comes twice, or after a failure, settles nothing again", async () => {
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

test("H1 what nobody answers ends with a typed error after so many ticks, and no sooner", async () => {
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

test("H1 a decision that will not be heard of is unknown, never a guess", async () => {
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
  const heard: [string, number | null][] = []
  const subscription = queries.add(1, query, ({ type }, turn) => heard.push([type, turn]))
  return { posted, queries, heard, subscription }
}

test("H3 a query waits until its rows come", () => {
  const { queries, heard } = tabQueries()
  expect(queries.isWaiting).toBe(true)
  queries.deliver([{ id: 1, result: rows }])
  expect(queries.isWaiting).toBe(false)
  expect(heard).toEqual([["rows", 0]])
})

test("H3 a query that was stopped is waited for no more, and hears nothing", () => {
  const { queries, heard, posted, subscription } = tabQueries()
  subscription.stop()
  subscription.stop()
  queries.deliver([{ id: 1, result: rows }])
  expect([queries.isWaiting, queries.size, heard.length]).toEqual([false, 0, 0])
  expect(posted.map(({ type }) => type)).toEqual(["subscribe", "unsubscribe"])
})

test("H3 a query that nobody will answer is told an error, and waited for no more", () => {
  const { queries, heard } = tabQueries()
  queries.fail(sentFailure)
  expect(queries.isWaiting).toBe(false)
  expect(heard).toEqual([["error", 0]])
  queries.deliver([{ id: 1, result: rows }])
  expect(heard).toEqual([
    ["error", 0],
    ["rows", 0],
  ])
})

test("H3 a refresh waits for its own turn, and a change that comes before it does not end the wait", () => {
  const { queries, heard, posted, subscription } = tabQueries()
  queries.deliver([{ id: 1, result: rows }])
  expect([subscription.refresh(), subscription.refresh()]).toEqual([1, 2])
  queries.deliver([{ id: 1, result: rows }])
  queries.deliver([{ id: 1, result: { type: "same" }, turn: 1 }])
  expect(queries.isWaiting).toBe(true)
  queries.deliver([{ id: 1, result: { type: "same" }, turn: 2 }])
  expect(queries.isWaiting).toBe(false)
  expect(heard.map(([, turn]) => turn)).toEqual([0, null, 1, 2])
  expect(posted.map(({ type }) => type)).toEqual(["subscribe", "refresh", "refresh"])
})

test("H3 a refresh at a worker that died is answered by the first rows of the next one", () => {
  const { queries, heard, posted, subscription } = tabQueries()
  queries.deliver([{ id: 1, result: rows }])
  subscription.refresh()
  queries.askAgain()
  queries.deliver([{ id: 1, result: rows }])
  expect(queries.isWaiting).toBe(false)
  expect(heard.map(([, turn]) => turn)).toEqual([0, 1])
  expect(posted.map(({ type }) => type)).toEqual(["subscribe", "refresh", "subscribe"])
})
