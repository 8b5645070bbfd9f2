import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isLfError } from "../base/error.ts"
import {
  decodeSend,
  encodeSend,
  FrameAssembler,
  lengthPrefixed,
  SEND_BODY_BYTES_MAX,
  SEND_BYTES_MAX,
} from "./http-frames.ts"
import { FRAME_BYTES_MAX } from "./message.ts"

const malformed = expect.objectContaining({ code: "FRAME_MALFORMED" })

describe("a send", () => {
  test("is decoded as it was encoded, the largest too", () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.nat(), bytes, (key, number, bytes) => {
        expect(decodeSend(encodeSend({ key, number, bytes }))).toEqual({ key, number, bytes })
      }),
    )
    const largest = { key: "k".repeat(128), number: Number.MAX_SAFE_INTEGER, bytes: new Uint8Array(SEND_BYTES_MAX) }
    const body = encodeSend(largest)
    expect(body.length).toBeLessThanOrEqual(SEND_BODY_BYTES_MAX)
    expect(decodeSend(body)).toMatchObject({ key: largest.key, number: largest.number })
    expect(decodeSend(body).bytes).toHaveLength(SEND_BYTES_MAX)
  })

  test("of other bytes, over a limit, cut or longer is FRAME_MALFORMED (S15)", () => {
    const send = { key: "key", number: 1, bytes: new Uint8Array(3) }
    expect(() => decodeSend(encodeSend({ ...send, key: "k".repeat(129) }))).toThrow(malformed)
    expect(() => decodeSend(encodeSend({ ...send, bytes: new Uint8Array(SEND_BYTES_MAX + 1) }))).toThrow(malformed)
    const whole = encodeSend(send)
    for (let length = 0; length < whole.length; length++)
      expect(() => decodeSend(whole.subarray(0, length))).toThrow(malformed)
    expect(() => decodeSend(Uint8Array.of(...whole, 0))).toThrow(malformed)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeSend(bytes)
        } catch (error) {
          expect(isLfError(error) && error.code).toBe("FRAME_MALFORMED")
        }
      }),
    )
  })
})

describe("frames in pieces", () => {
  test("come out whole and in order, wherever they were cut", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (frames, sizes) => {
        const bytes = Uint8Array.from(frames.flatMap((frame) => [...lengthPrefixed(frame)]))
        const assembler = new FrameAssembler()
        const out: Uint8Array[] = []
        for (let at = 0, piece = 0; at < bytes.length; piece++) {
          const size = sizes[piece % sizes.length]
          out.push(...assembler.take(bytes.subarray(at, at + size)))
          at += size
        }
        expect(out).toEqual(frames)
        expect(assembler.heldBytes).toBe(0)
      }),
    )
  })

  test("a frame is the caller's to keep, and what is held is the assembler's", () => {
    const assembler = new FrameAssembler()
    const bytes = Uint8Array.of(
      ...lengthPrefixed(Uint8Array.of(1, 2)),
      ...lengthPrefixed(Uint8Array.of(3, 4)).subarray(0, 5),
    )
    const [first] = assembler.take(bytes)
    expect(assembler.heldBytes).toBe(5)
    bytes.fill(9)
    expect(first).toEqual(Uint8Array.of(1, 2))
    expect(assembler.take(Uint8Array.of(4))).toEqual([Uint8Array.of(3, 4)])
  })

  test("a frame over the limit is refused before its bytes come (S7)", () => {
    const largest = new Uint8Array(FRAME_BYTES_MAX)
    expect(new FrameAssembler().take(lengthPrefixed(largest))[0]).toHaveLength(FRAME_BYTES_MAX)
    const head = lengthPrefixed(new Uint8Array(FRAME_BYTES_MAX + 1)).subarray(0, 4)
    expect(() => new FrameAssembler().take(head)).toThrow(expect.objectContaining({ code: "FRAME_TOO_LARGE" }))
  })
})
