import type { ErrorCode } from "@lf/core"
import type { Host } from "@lf/core/internal"
import { expect, test } from "vitest"
import { nodeHost } from "../node/node-host.ts"
import { type AuthorizedConnection, Reauthorizer } from "./reauthorizer.ts"

/** A host whose timers are counted and run by hand. */
function countingHost() {
  const timers = new Set<() => void>()
  const host: Host = {
    ...nodeHost,
    after(_delayMs, run) {
      timers.add(run)
      return () => timers.delete(run)
    },
  }
  const elapse = () => {
    for (const run of timers) {
      timers.delete(run)
      run()
    }
  }
  return { host, timers, elapse }
}

/** A connection whose answers are given by hand. */
function connection(user: string | null = "ann") {
  const answers: ((code: ErrorCode | null) => void)[] = []
  const closed: ErrorCode[] = []
  const one: AuthorizedConnection = {
    user,
    ask: () => new Promise((resolve) => answers.push(resolve)),
    close: (code) => closed.push(code),
  }
  return { one, answers, closed }
}

const turns = () => new Promise((resolve) => setImmediate(resolve))

test("overlapping rechecks leave one timer per connection, and cost one more question (S2)", async () => {
  const { host, timers, elapse } = countingHost()
  const reauthorizer = new Reauthorizer(host, 1_000)
  const { one, answers } = connection()
  reauthorizer.add(one)
  const asked = Array.from({ length: 5 }, () => reauthorizer.now("ann"))
  await turns()
  expect(answers).toHaveLength(1)
  answers[0](null)
  await turns()
  expect(answers).toHaveLength(2)
  answers[1](null)
  await Promise.all(asked)
  expect(answers).toHaveLength(2)
  expect(timers.size).toBe(1)
  for (let round = 0; round < 3; round++) {
    elapse()
    const again = [reauthorizer.now(), reauthorizer.now("ann")]
    for (let i = 0; i < 2; i++) {
      await turns()
      answers.at(-1)?.(null)
    }
    await Promise.all(again)
    expect(timers.size).toBe(1)
  }
  expect(answers).toHaveLength(8)
})

test("a recheck asked for while one runs sees what was true when it was asked for (S2)", async () => {
  const { host } = countingHost()
  const reauthorizer = new Reauthorizer(host, 1_000)
  const { one, answers, closed } = connection()
  reauthorizer.add(one)
  const first = reauthorizer.now()
  await turns()
  const second = reauthorizer.now()
  answers[0](null)
  await first
  await turns()
  answers[1]("FORBIDDEN")
  await second
  expect(closed).toEqual(["FORBIDDEN"])
})

test("a connection that was closed or has left is asked no more, and leaves no timer (S2)", async () => {
  const { host, timers } = countingHost()
  const reauthorizer = new Reauthorizer(host, 1_000)
  const [refused, left] = [connection(), connection()]
  const undos = [reauthorizer.add(refused.one), reauthorizer.add(left.one)]
  const asked = [reauthorizer.now(), reauthorizer.now(), reauthorizer.now()]
  await turns()
  undos[1]()
  refused.answers[0]("AUTH_REQUIRED")
  left.answers[0](null)
  await Promise.all(asked)
  undos[0]()
  expect([refused.answers.length, left.answers.length]).toEqual([1, 1])
  expect(refused.closed).toEqual(["AUTH_REQUIRED"])
  expect(timers.size).toBe(0)
  expect(reauthorizer.size).toBe(0)
})

test("a question that throws is a no (S2)", async () => {
  const { host, timers } = countingHost()
  const reauthorizer = new Reauthorizer(host, 1_000)
  const closed: ErrorCode[] = []
  reauthorizer.add({ user: null, ask: () => Promise.reject(new Error("away")), close: (code) => closed.push(code) })
  await reauthorizer.now(null)
  expect(closed).toEqual(["AUTHORIZE_FAILED"])
  expect(timers.size).toBe(0)
})
