import { describe, expect, test } from "vitest"
import { LfError } from "../base/error.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import type { Message } from "../network/message.ts"
import type { Pipe, PipeListener } from "../network/network.ts"
import { helloOf } from "../testing/hello.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { receive } from "./reception.ts"

/** A connection that has said hello, and waits to be let in until the test says so. */
function greeted() {
  const clock = new SimClock()
  const said: Message[] = []
  const closed: string[] = []
  let outside: PipeListener = { frame: () => {}, closed: () => {} }
  const pipe: Pipe = {
    send: (frame) => void said.push(decodeMessage(frame)),
    close: (reason) => void closed.push(reason),
    listen: (listener) => {
      outside = listener
    },
  }
  const inside: unknown[] = []
  let admitted = 0
  let admit: () => void = () => {}
  let refuse: (error: unknown) => void = () => {}
  receive(pipe, new SimHost(clock, new SeededRandom(1)), () => {
    admitted++
    return new Promise((resolve, reject) => {
      refuse = reject
      const listener = {
        frame: (frame: Uint8Array) => inside.push(frame),
        closed: (reason: string) => inside.push(reason),
      }
      admit = () => resolve(listener)
    })
  })
  outside.frame(encodeMessage(helloOf({ docId: "doc" })))
  return {
    outside,
    said,
    closed,
    inside,
    clock,
    admit: () => admit(),
    refuse: (error: unknown) => refuse(error),
    admissions: () => admitted,
  }
}

describe("frames between the hello and its answer", () => {
  test("are kept in order, and handed over before those that come later", async () => {
    const { outside, inside, admit, admissions } = greeted()
    const frames = [1, 2, 3].map((n) => Uint8Array.of(n))
    outside.frame(frames[0])
    outside.frame(frames[1])
    admit()
    await turn()
    outside.frame(frames[2])
    expect(inside).toEqual(frames)
    expect(admissions()).toBe(1)
  })

  test("S7 may be 16; one more ends the connection with RATE_LIMITED", () => {
    const { outside, said, closed } = greeted()
    for (let i = 0; i < 16; i++) outside.frame(new Uint8Array(1))
    expect(closed).toEqual([])
    outside.frame(new Uint8Array(1))
    expect(said).toMatchObject([{ type: "refuse", code: "RATE_LIMITED" }])
    expect(closed).toEqual(["RATE_LIMITED"])
  })

  test("S7 may have 64 KiB together; one byte more ends the connection", () => {
    const { outside, closed } = greeted()
    outside.frame(new Uint8Array(32 * 1024))
    outside.frame(new Uint8Array(32 * 1024))
    expect(closed).toEqual([])
    outside.frame(new Uint8Array(1))
    expect(closed).toEqual(["RATE_LIMITED"])
  })
})

test("a connection that ended before it was let in ends for its listener too, and one that ends later", async () => {
  const early = greeted()
  early.outside.closed("gone")
  early.admit()
  await turn()
  expect(early.inside).toEqual(["gone"])
  const late = greeted()
  late.admit()
  await turn()
  expect(late.inside).toEqual([])
  late.outside.closed("gone")
  expect(late.inside).toEqual(["gone"])
})

test("S7 who has said hello, or has gone, is not closed for saying nothing", () => {
  const { clock, closed } = greeted()
  while (clock.nextAtMs < Number.POSITIVE_INFINITY) clock.runNext()
  expect(closed).toEqual([])
})

test("S16 who is not let in hears the code of our own errors; of any other it hears DOC_STOPPED", async () => {
  for (const [error, code] of [
    [new LfError("FORBIDDEN", "no"), "FORBIDDEN"],
    [new Error("a bug"), "DOC_STOPPED"],
  ] as const) {
    const { said, closed, refuse } = greeted()
    refuse(error)
    await turn()
    expect(said).toMatchObject([{ type: "refuse", code }])
    expect(closed).toEqual([code])
  }
})
