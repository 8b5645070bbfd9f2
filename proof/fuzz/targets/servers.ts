import {
  decodeRelay,
  decodeSend,
  encodeRelay,
  encodeSend,
  FrameAssembler,
  lengthPrefixed,
  lsn,
  type RelayMessage,
} from "@lf/core/testing"
import fc from "fast-check"
import { about, checkStable, checkValue, Fault, type Target } from "../target.ts"
import { plainValue } from "./plain.ts"

const is = fc.constant
const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const numbers = fc.array(number, { maxLength: 4 })
const text = fc.string({ maxLength: 20 })
const frame = fc.uint8Array({ maxLength: 40 })
const author = fc.constantFrom(null, "system" as const, { id: "ann" }, { id: "ann", role: "admin" })
const range = fc.record({ from: number.map(lsn), to: number.map(lsn), code: text })

const asked = fc.oneof(
  fc.record({ type: is("read" as const), sql: text, parameters: fc.array(plainValue), isWatched: fc.boolean() }),
  fc.record({ type: is("mutate" as const), name: text, args: plainValue, author, uid: text }),
  fc.constantFrom({ type: "position" as const }, { type: "delete" as const }),
)

const relayMessage: fc.Arbitrary<RelayMessage> = fc.oneof(
  fc.record({ type: is("connect" as const), client: number, hello: frame, author, user: fc.option(text) }),
  fc.record({
    type: is("request" as const),
    client: number,
    author,
    refused: fc.array(range, { maxLength: 2 }),
    frame,
  }),
  fc.record({ type: is("call" as const), call: number, asked }),
  fc.record({ type: is("frame" as const), clients: numbers, kept: number, frame }),
  fc.record({ type: is("again" as const), clients: numbers, kept: number }),
  fc.record({ type: is("forget" as const), kept: numbers }),
  fc.record({ type: is("closed" as const), client: number, reason: text }),
  fc.record({ type: is("answer" as const), call: number, isLast: fc.boolean(), bytes: frame }),
  fc.record({ type: is("failure" as const), call: number, code: text, message: text }),
  fc.record({ type: fc.constantFrom("stop" as const, "changed" as const), call: number }),
  fc.record({ type: is("leave" as const), client: number }),
  is({ type: "ready" as const }),
)

/** What one server sends another. */
const relayTarget: Target = {
  name: "relay",
  codes: ["BYTES_MALFORMED"],
  valid: relayMessage.map(encodeRelay),
  run(input) {
    const message = decodeRelay(input)
    checkValue(message, input)
    checkStable({ encode: encodeRelay, decode: decodeRelay }, message)
    return message.type
  },
}

/** The body of a request of a client without a WebSocket, and the frames in it. */
const sendTarget: Target = {
  name: "send",
  codes: ["FRAME_MALFORMED", "FRAME_TOO_LARGE"],
  valid: fc
    .record({ key: text, number, frames: fc.array(frame, { maxLength: 3 }) })
    .map(({ key, number, frames }) =>
      encodeSend({ key, number, bytes: Uint8Array.from(frames.flatMap((one) => [...lengthPrefixed(one)])) }),
    ),
  run(input) {
    const send = decodeSend(input)
    checkValue(send, input)
    checkStable({ encode: encodeSend, decode: decodeSend }, send)
    const [whole, halves] = [new FrameAssembler(), new FrameAssembler()]
    const frames = whole.take(send.bytes)
    const half = send.bytes.length >> 1
    const again = [...halves.take(send.bytes.subarray(0, half)), ...halves.take(send.bytes.subarray(half))]
    if (again.join() !== frames.join() || again.length !== frames.length)
      throw new Fault("where the bytes are cut decides which frames they are")
    return `${about(frames.length)} ${whole.heldBytes > 0}`
  },
}

export const serverTargets = [relayTarget, sendTarget]
