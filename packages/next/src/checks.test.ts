import type { ErrorCode, Host } from "@lf/core"
import { expect, test } from "vitest"
import { type Checked, Checks } from "./checks.ts"
import { nodeHost } from "./node/node-host.ts"

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
  const one: Checked = {
    user,
    ask: () => new Promise((resolve) => answers.push(resolve)),
    close: (code) => closed.push(code),
  }
  return { one, answers, closed }
}

const turns = () => new Promise((resolve) => setImmediate(resolve))

test("S2 overlapping rechecks leave one timer per connection, and cost one more question", async () => {
  const { host, timers, elapse } = countingHost()
  const checks = new Checks(host, 1_000)
  const { one, answers } = connection()
  checks.add(one)
  const asked = Array.from({ length: 5 }, () => checks.now("ann"))
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
    const again = [checks.now(), checks.now("ann")]
    for (let i = 0; i < 2; i++) {
      await turns()
      answers.at(-1)?.(null)
    }
    await Promise.all(again)
    expect(timers.size).toBe(1)
  }
  expect(answers).toHaveLength(8)
})

test("S2 a recheck asked for while one runs sees what was true when it was asked for", async () => {
  const { host } = countingHost()
  const checks = new Checks(host, 1_000)
  const { one, answers, closed } = connection()
  checks.add(one)
  const first = checks.now()
  await turns()
  const second = checks.now()
  answers[0](null)
  await first
  await turns()
  answers[1]("FORBIDDEN")
  await second
  expect(closed).toEqual(["FORBIDDEN"])
})

test("S2 a connection that was closed or has left is asked no more, and leaves no timer", async () => {
  const { host, timers } = countingHost()
  const checks = new Checks(host, 1_000)
  const [refused, left] = [connection(), connection()]
  const undos = [checks.add(refused.one), checks.add(left.one)]
  const asked = [checks.now(), checks.now(), checks.now()]
  await turns()
  undos[1]()
  refused.answers[0]("AUTH_REQUIRED")
  left.answers[0](null)
  await Promise.all(asked)
  undos[0]()
  expect([refused.answers.length, left.answers.length]).toEqual([1, 1])
  expect(refused.closed).toEqual(["AUTH_REQUIRED"])
  expect(timers.size).toBe(0)
  expect(checks.size).toBe(0)
})

test("S2 a question that throws is a no", async () => {
  const { host, timers } = countingHost()
  const checks = new Checks(host, 1_000)
  const closed: ErrorCode[] = []
  checks.add({ user: null, ask: () => Promise.reject(new Error("away")), close: (code) => closed.push(code) })
  await checks.now(null)
  expect(closed).toEqual(["AUTHORIZE_FAILED"])
  expect(timers.size).toBe(0)
})
