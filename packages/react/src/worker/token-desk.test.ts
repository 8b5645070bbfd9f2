import { LfError } from "@lf/core"
import type { Host } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { TOKEN_MS_MAX, TokenDesk, type TokenSource } from "./token-desk.ts"

/** Time that only passes by `pass`. */
function testHost() {
  let nowMs = 0
  const timers = new Set<{ atMs: number; run: () => void }>()
  const host: Host = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    randomBytes: (count) => new Uint8Array(count),
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }
  const pass = (ms: number) => {
    nowMs += ms
    for (const timer of [...timers]) if (timer.atMs <= nowMs && timers.delete(timer)) timer.run()
  }
  return { host, pass, timers }
}

class Tab implements TokenSource {
  hasAuth = true
  readonly asked: number[] = []
  wantToken(ask: number): void {
    this.asked.push(ask)
  }
}

function setUp() {
  const { host, pass, timers } = testHost()
  let late = 0
  const desk = new TokenDesk(host, () => late++)
  const [a, b] = [new Tab(), new Tab()]
  desk.add(a)
  desk.add(b)
  return { desk, a, b, pass, timers, late: () => late }
}

const token = (text: string) => ({ type: "token" as const, token: text })

describe("tokens (T42)", () => {
  test("every tab that can answer is asked, the first token is taken", async () => {
    const { desk, a, b } = setUp()
    const asked = desk.ask()
    expect([a.asked, b.asked]).toEqual([[1], [1]])
    desk.answer(b, 1, token("of b"))
    expect(await asked).toBe("of b")
  })

  test("two callers get an answer each, in whatever order the answers come", async () => {
    const { desk, a } = setUp()
    const [first, second] = [desk.ask(), desk.ask()]
    desk.answer(a, 2, token("second"))
    desk.answer(a, 1, token("first"))
    expect(await Promise.all([first, second])).toEqual(["first", "second"])
  })

  test("a tab that never answers does not delay a caller that another tab answers", async () => {
    const { desk, b, pass, timers } = setUp()
    const asked = desk.ask()
    desk.answer(b, 1, token("t"))
    expect(await asked).toBe("t")
    expect(timers.size).toBe(0)
    pass(TOKEN_MS_MAX)
  })

  test("without an answer in time it is AUTH_REQUIRED; a later token causes a retry", async () => {
    const { desk, a, pass, late } = setUp()
    const asked = expect(desk.ask()).rejects.toMatchObject({ code: "AUTH_REQUIRED" })
    pass(TOKEN_MS_MAX)
    await asked
    desk.answer(a, 1, token("late"))
    desk.answer(a, 1, { type: "none" })
    expect(late()).toBe(1)
  })

  test("if no tab has a token the server decides; if all threw it is AUTH_REQUIRED with reasons", async () => {
    const { desk, a, b } = setUp()
    const none = desk.ask()
    desk.answer(a, 1, { type: "failed", message: "offline" })
    desk.answer(b, 1, { type: "none" })
    expect(await none).toBeNull()
    const failed = expect(desk.ask()).rejects.toMatchObject({ message: expect.stringContaining("offline; no session") })
    desk.answer(a, 2, { type: "failed", message: "offline" })
    desk.answer(b, 2, { type: "failed", message: "no session" })
    await failed
  })

  test("a tab that comes during a wait is asked; one that goes is not waited for", async () => {
    const { desk, a, b } = setUp()
    const asked = desk.ask()
    const c = new Tab()
    desk.add(c)
    expect(c.asked).toEqual([1])
    desk.remove(a)
    desk.remove(b)
    desk.answer(c, 1, token("of c"))
    expect(await asked).toBe("of c")
    const refused = expect(desk.ask()).rejects.toBeInstanceOf(LfError)
    desk.remove(c)
    await refused
  })

  test("tabs without auth are not asked", async () => {
    const { desk, a, b } = setUp()
    a.hasAuth = false
    b.hasAuth = false
    expect(await desk.ask()).toBeNull()
    expect(a.asked).toEqual([])
  })
})
