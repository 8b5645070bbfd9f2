import { expect, test } from "vitest"
import { SimClock } from "../testing/sim-host.ts"
import type { FromOwner } from "./relay-message.ts"
import { KEPT_BYTES_MAX, KEPT_BYTES_MIN, KEPT_FRAMES_MAX, KEPT_MS, SharedFrames } from "./shared-frames.ts"

/** What another server is sent, in short: a frame by its first byte. */
function setUp() {
  const clock = new SimClock()
  const host = { after: clock.after.bind(clock), monotonicMs: () => clock.nowMs }
  const sent: string[] = []
  const frames = new SharedFrames(host, (message: FromOwner) => {
    if (message.type === "frame") sent.push(`frame ${message.frame[0]} to ${message.clients} as ${message.kept}`)
    if (message.type === "again") sent.push(`${message.kept} to ${message.clients}`)
    if (message.type === "forget") sent.push(`forget ${message.kept}`)
  })
  const pass = (ms: number) => {
    let isOver = false
    clock.after(ms, () => {
      isOver = true
    })
    while (!isOver) clock.runNext()
  }
  const take = () => sent.splice(0)
  const isIdle = () => clock.nextAtMs === Number.POSITIVE_INFINITY
  return { frames, pass, take, isIdle }
}

function frameOf(first: number, bytes = KEPT_BYTES_MIN): Uint8Array {
  return new Uint8Array(bytes).fill(first, 0, 1)
}

test("a frame that many get in one turn goes once, and nothing is overtaken", async () => {
  const { frames, take } = setUp()
  const [short, other] = [frameOf(1, 10), frameOf(2, 10)]
  for (const client of [1, 2, 3]) frames.add(client, short)
  frames.add(1, other)
  frames.add(4, short)
  expect(take()).toEqual(["frame 1 to 1,2,3 as 0", "frame 2 to 1 as 0"])
  await Promise.resolve()
  expect(take()).toEqual(["frame 1 to 4 as 0"])
  frames.add(5, short)
  frames.flush()
  expect(take()).toEqual(["frame 1 to 5 as 0"])
  frames.flush()
  await Promise.resolve()
  expect(take()).toEqual([])
})

test("a longer frame that others got a short time ago goes by its number", () => {
  const { frames, pass, take } = setUp()
  const send = (client: number, first: number, bytes?: number) => {
    frames.add(client, frameOf(first, bytes))
    frames.flush()
  }
  send(1, 1)
  send(2, 1)
  send(1, 2)
  send(2, 1, KEPT_BYTES_MIN + 1)
  send(3, 1, KEPT_BYTES_MIN - 1)
  expect(take()).toEqual(["frame 1 to 1 as 1", "1 to 2", "frame 2 to 1 as 2", "frame 1 to 2 as 3", "frame 1 to 3 as 0"])
  pass(KEPT_MS - 1)
  send(3, 2)
  expect(take()).toEqual(["2 to 3"])
  // Each is kept for so long after its last use.
  pass(1)
  expect(take()).toEqual(["forget 1,3"])
  pass(KEPT_MS - 2)
  send(4, 2)
  expect(take()).toEqual(["2 to 4"])
  pass(2 * KEPT_MS)
  expect(take()).toEqual(["forget 2"])
  send(5, 2)
  expect(take()).toEqual(["frame 2 to 5 as 4"])
})

test("what is kept goes without another frame, and then nothing is waited for", () => {
  const { frames, pass, take, isIdle } = setUp()
  for (const first of [1, 2]) {
    frames.add(1, frameOf(first))
    frames.flush()
    pass(KEPT_MS / 2)
  }
  expect(take().at(-1)).toBe("forget 1")
  pass(KEPT_MS)
  expect(take()).toEqual(["forget 2"])
  expect(isIdle()).toBe(true)
})

test("what is kept has a limit, and the least recently used goes first", () => {
  const { frames, take } = setUp()
  const third = Math.floor(KEPT_BYTES_MAX / 3)
  const send = (client: number, first: number, bytes = third) => {
    frames.add(client, frameOf(first, bytes))
    frames.flush()
  }
  for (const first of [1, 2, 3]) send(1, first)
  send(2, 1)
  expect(take().slice(-1)).toEqual(["1 to 2"])
  send(1, 4)
  expect(take()).toEqual(["frame 4 to 1 as 4", "forget 2"])
  send(2, 1)
  send(2, 2)
  expect(take()).toEqual(["1 to 2", "frame 2 to 2 as 5", "forget 3"])
  // Longer than all that is kept: it is sent, and nothing is kept.
  send(1, 5, KEPT_BYTES_MAX + 1)
  expect(take()).toEqual(["frame 5 to 1 as 6", "forget 4,1,5,6"])
  for (let i = 0; i <= KEPT_FRAMES_MAX; i++) send(1, 6, KEPT_BYTES_MIN + i)
  expect(take().slice(-2)).toEqual([`frame 6 to 1 as ${7 + KEPT_FRAMES_MAX}`, "forget 7"])
})

test("nothing follows the end", async () => {
  const { frames, pass, take } = setUp()
  frames.add(1, frameOf(1))
  frames.flush()
  frames.add(1, frameOf(2))
  frames.end()
  await Promise.resolve()
  pass(2 * KEPT_MS)
  expect(take()).toEqual(["frame 1 to 1 as 1"])
})
