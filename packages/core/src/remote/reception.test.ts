import { beforeAll, expect, test } from "vitest"
import type { Host } from "../base/host.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import { type Hello, type Message, PROTOCOL_VERSION } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { helloOf } from "../testing/hello.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { HANDSHAKE_MS_MAX, receive } from "./reception.ts"

let clock: SimClock
let host: Host
beforeAll(() => {
  clock = new SimClock()
  host = new SimHost(clock, new SeededRandom(1))
})

const hello = helloOf({ docId: "doc" })

interface AcceptOptions {
  readonly near: Pipe
  readonly said: Message[]
  readonly closed: string[]
  readonly admitted: Hello[]
}

function visit(): AcceptOptions {
  const [near, far] = memoryPipe()
  const said: Message[] = []
  const closed: string[] = []
  const admitted: Hello[] = []
  near.listen({ frame: (frame) => said.push(decodeMessage(frame)), closed: (reason) => closed.push(reason) })
  receive(far, host, async (greeting) => {
    admitted.push(greeting)
    return { frame: () => {}, closed: () => {} }
  })
  return { near, said, closed, admitted }
}

test.each([
  ["SERVER_OLDER", encodeMessage({ ...hello, protocol: PROTOCOL_VERSION + 1 })],
  ["PROTOCOL_NEWER", encodeMessage({ ...hello, protocol: PROTOCOL_VERSION - 1 })],
  ["DOC_ID_INVALID", encodeMessage({ ...hello, docId: "../etc" })],
  ["FRAME_MALFORMED", encodeMessage({ type: "ping" })],
  ["FRAME_MALFORMED", new Uint8Array([1, 2, 3])],
])(
  "S8 S15 a first frame that will not do is refused with %s, and nobody is asked to let it in",
  async (code, frame) => {
    const { near, said, closed, admitted } = visit()
    near.send(frame)
    await expect.poll(() => closed).toEqual([code])
    expect(said).toMatchObject([{ type: "refuse", code }])
    expect(admitted).toEqual([])
  },
)

test("S7 a connection that says nothing is closed after its time", async () => {
  const { closed } = visit()
  const untilMs = clock.nowMs + HANDSHAKE_MS_MAX
  while (clock.nextAtMs <= untilMs) clock.runNext()
  await expect.poll(() => closed).toEqual(["no hello"])
})

test("a hello that will do is handed on", async () => {
  const { near, admitted, closed } = visit()
  near.send(encodeMessage(hello))
  await expect.poll(() => admitted).toMatchObject([{ docId: "doc" }])
  expect(closed).toEqual([])
})
